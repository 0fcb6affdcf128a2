// CIDs and UnixFS: a hand-written encoder, and ipfs-unixfs-importer as the oracle it must agree with.
import { importer } from 'ipfs-unixfs-importer';
import { fixedSize } from 'ipfs-unixfs-importer/chunker';
import { balanced } from 'ipfs-unixfs-importer/layout';
import { CID } from 'multiformats/cid';
import { ascii, cat, compare, u8 } from './bytes.js';
import { sha256 } from './prim.js';
import { createHash } from 'node:crypto';

export const LEAF = 262400;
export const LINKS = 1024;
const RAW = 0x55;
const DAG_PB = 0x70;

export function varint(v) {
	const out = [];
	let x = BigInt(v);
	while (x >= 0x80n) {
		out.push(Number(x & 0x7fn) | 0x80);
		x >>= 7n;
	}
	out.push(Number(x));
	return Uint8Array.from(out);
}
const digest = (b) => new Uint8Array(createHash('sha256').update(b).digest());
export const cidBytes = (codec, block) => cat(u8(1), u8(codec), u8(0x12), u8(0x20), digest(block));
export const rawCid = (block) => cidBytes(RAW, block);
export const pbCid = (block) => cidBytes(DAG_PB, block);
export const cidText = (bytes) => CID.decode(bytes).toString();

const field = (tag, bytes) => cat(u8(tag), varint(bytes.length), bytes);
const link = (cid, name, tsize) =>
	field(0x12, cat(field(0x0a, cid), field(0x12, ascii(name)), u8(0x18), varint(tsize)));
const node = (links, data) => cat(links, field(0x0a, data));

export function directory(entries) {
	const sorted = [...entries].sort((a, b) => compare(ascii(a.name), ascii(b.name)));
	const block = node(sorted.map((e) => link(e.cid, e.name, e.tsize)), Uint8Array.of(0x08, 0x01));
	const tsize = BigInt(block.length) + sorted.reduce((t, e) => t + BigInt(e.tsize), 0n);
	return { block, cid: pbCid(block), tsize };
}

/** The inner node over these children. */
export function parent(kids) {
	const size = kids.reduce((t, k) => t + k.size, 0n);
	const data = cat(u8(0x08), u8(2), u8(0x18), varint(size), kids.map((k) => cat(u8(0x20), varint(k.size))));
	const block = node(kids.map((k) => link(k.cid, '', k.tsize)), data);
	return { cid: pbCid(block), tsize: BigInt(block.length) + kids.reduce((t, k) => t + k.tsize, 0n), size, block };
}
/** Balanced file DAG over the given raw leaves; returns the root and every inner block, deepest first. */
export function file(leaves, maxLinks = LINKS) {
	let level = [];
	for (const l of leaves) level.push({ cid: rawCid(l), tsize: BigInt(l.length), size: BigInt(l.length) });
	const inner = [];
	while (level.length > 1) {
		const next = [];
		for (let i = 0; i < level.length; i += maxLinks) {
			const made = parent(level.slice(i, i + maxLinks));
			inner.push(made.block);
			next.push(made);
		}
		level = next;
	}
	return { ...level[0], inner };
}

class Store {
	count = 0;
	async put(cid) {
		this.count++;
		return cid;
	}
}

/** What stock IPFS says: files = [{path, content: bytes or iterable}]. Returns entries, last one the root. */
export async function stock(files, { chunk = LEAF, links = LINKS, wrap = false } = {}) {
	const store = new Store();
	const entries = [];
	const source = files.map((f) => ({ ...f, content: f.content instanceof Uint8Array ? [f.content] : f.content }));
	for await (const e of importer(source, store, {
		cidVersion: 1, rawLeaves: true, reduceSingleLeafToSelf: true, wrapWithDirectory: wrap,
		chunker: fixedSize({ chunkSize: chunk }), layout: balanced({ maxChildrenPerNode: links }),
	})) entries.push({ path: e.path, cid: e.cid.toString(), size: BigInt(e.size), unixfs: e.unixfs });
	return { entries, root: entries.at(-1), blocks: store.count };
}
