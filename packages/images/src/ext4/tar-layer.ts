import { DoppelError } from '@doppel/base'
import { readTar, type TarMember } from '../tar.ts'
import type { Ext4Builder } from './file-system.ts'
import type { DirectoryNode, NodeAttributes, TreeNode } from './tree.ts'

/** Files that say what of the layers below is gone (OCI image-spec, layer.md, "Whiteouts"). */
const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'

/**
 * Lays a tar over what the file system has: its members replace what had their names. `layers` says that whiteouts
 * remove what is below, as in OCI images; otherwise they are files like any. Throws `image.damaged`, `tree.*`, `disk.*`.
 */
export async function applyTar(
  builder: Ext4Builder,
  tar: AsyncIterable<Uint8Array>,
  { where, layers = false }: { readonly where: string; readonly layers?: boolean },
): Promise<void> {
  const own = new Set<TreeNode>()
  await readTar(tar, where, async member => {
    const name = member.path.split('/').at(-1) ?? ''
    if (layers && name.startsWith(WHITEOUT)) whiteOut(builder, member.path, name, own)
    else await applyMember(builder, member, where)
    const node = builder.tree.find(member.path)
    if (node) own.add(node)
  })
}

async function applyMember(builder: Ext4Builder, { header, path, body }: TarMember, where: string): Promise<void> {
  const { tree } = builder
  const attributes: NodeAttributes = {
    mode: header.mode ?? 0o644,
    uid: header.uid ?? 0,
    gid: header.gid ?? 0,
    mtime: Math.max(0, Math.floor((header.mtime?.getTime() ?? 0) / 1000)),
  }
  const type = header.type ?? 'file'
  switch (type) {
    case 'directory':
      return tree.directory(path, attributes)
    case 'file':
      return tree.put(path, { type, attributes, content: await builder.content(header.size, body) })
    case 'symlink':
      return tree.put(path, { type, attributes, target: header.linkname ?? '' })
    case 'link':
      return tree.link(path, header.linkname ?? '')
    case 'fifo':
      return tree.put(path, { type, attributes })
    // Device files are the kernel's: it has a /dev of its own.
    case 'character-device':
    case 'block-device':
    case 'pax-global-header':
      return
    default:
      throw new DoppelError('image.contents', `${where}: ${path} is a ${type}, which doppel cannot unpack`, { path })
  }
}

function whiteOut(builder: Ext4Builder, path: string, name: string, own: ReadonlySet<TreeNode>): void {
  const folder = path.slice(0, path.length - name.length)
  if (name !== OPAQUE) return builder.tree.remove(folder + name.slice(WHITEOUT.length))
  const directory = builder.tree.find(`${folder}.`)
  if (directory?.type === 'directory') dropOthers(directory, own)
}

/** Removes what lower layers put into a directory; what this layer has put there already stays. */
function dropOthers(directory: DirectoryNode, own: ReadonlySet<TreeNode>): void {
  for (const [name, node] of directory.entries) {
    if (node.type === 'directory') dropOthers(node, own)
    const isKept = own.has(node) || (node.type === 'directory' && node.entries.size > 0)
    if (!isKept) directory.entries.delete(name)
  }
}
