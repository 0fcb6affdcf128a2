// carry.json: a page of the catalogue over the story's items, the same sealed to the patient, and the directories that tie an exported file together.
import { CarReader } from '@ipld/car';
import { ascii, cat, hex, u8, u16, u32, unhex, zeros } from '../lib/bytes.js';
import * as M from '../lib/merkle.js';
import * as C from '../lib/content.js';
import * as K from '../lib/keys.js';
import * as P from '../lib/pre.js';
import { xchachaPoly } from '../lib/prim.js';
import * as X from '../lib/unixfs.js';
import { known } from '../lib/known.js';
import { build as ledger } from './ledger.js';

const CARRIED = [0x15, 0x20, 0x21, 0x22];
const LINKS = 1024;

/** One page over the items of BATCH that a catalogue may have. */
function page(batch) {
	const leaves = batch.items.map((i) => M.leafHash(unhex(i.bytes)));
	const entries = batch.items.flatMap((item, index) => {
		if (!CARRIED.includes(item.op)) return [];
		const path = M.inclusion(index, leaves);
		return [cat(unhex(item.bytes), unhex(batch.header), u16(index), u8(path.length), u8(0), path, unhex(item.priv))];
	});
	return { n: entries.length, bytes: cat(ascii('EMXC'), u8(2), zeros(3), u32(entries.length), entries) };
}

/** PAGE as it lies in a CAR, sealed to the key of its folder, whose owner is the patient of the story. */
function sealed(batch, page) {
	const seed = Uint8Array.from({ length: 32 }, (_, i) => i);
	const domain = unhex(batch.items[0].bytes).slice(8, 24);
	const ctx = P.context({ domain, epoch: 1, record: zeros(16), cver: 0, kind: 4, digest: zeros(32) });
	const e = P.encapsulate(K.domPre(seed, domain, 1).pk, ctx, P.kat('page r', 0), P.kat('page u', 0));
	const key = new Uint8Array(32).fill(0x4b);
	const nonce = new Uint8Array(24).fill(0x4e);
	const head = cat(ascii('EMXC'), u8(3), zeros(3), u32(1), domain, u32(1), e.capsule, P.wrapDek(P.kek(e.K, zeros(32), ctx), ctx, key));
	return cat(head, nonce, xchachaPoly(C.schedule(key, zeros(24), 1).Km, nonce, head, page));
}

const name = (i) => i.toString(16).padStart(3, '0');
/** Child i of every directory here: the raw block of i in four bytes. */
const leaf = (i) => {
	const block = u32(i);
	return { block, cid: X.rawCid(block), tsize: block.length };
};
const directory = (links, catalogue) =>
	X.directory([...links.map((l, i) => ({ ...l, name: name(i) })), ...(catalogue ? [{ ...catalogue, name: 'catalogue' }] : [])]);

async function dirCase(n, catalogue) {
	const links = Array.from({ length: n }, (_, i) => leaf(i));
	const dir = directory(links, catalogue && { cid: X.rawCid(catalogue), tsize: catalogue.length });
	const stock = await X.stock(
		[...links.map((l, i) => ({ path: name(i), content: l.block })), ...(catalogue ? [{ path: 'catalogue', content: catalogue }] : [])],
		{ wrap: true },
	);
	known(`directory of ${n}`, X.cidText(dir.cid), stock.root.cid);
	return { links: n, has_catalogue: Boolean(catalogue), cid: hex(dir.cid), tsize: String(dir.tsize), block_len: dir.block.length };
}

/** The root above N parts, each of them leaf i, and how many nodes there are. */
function tree(n) {
	let level = Array.from({ length: n }, (_, i) => leaf(i));
	let nodes = 0;
	while (level.length > 1) {
		const above = [];
		for (let i = 0; i < level.length; i += LINKS) above.push(directory(level.slice(i, i + LINKS)));
		nodes += above.length;
		level = above;
	}
	return { parts: n, nodes, root: hex(level[0].cid) };
}

/** The smallest whole: a page, and a part above it that is the root. */
async function car(made) {
	const catalogue = { cid: X.rawCid(made.bytes), tsize: made.bytes.length };
	const root = directory([], catalogue);
	const header = cat(Uint8Array.of(0xa2, 0x65), ascii('roots'), Uint8Array.of(0x81, 0xd8, 0x2a, 0x58, 0x25, 0), root.cid,
		Uint8Array.of(0x67), ascii('version'), u8(1));
	const section = (cid, data) => cat(X.varint(cid.length + data.length), cid, data);
	const bytes = cat(X.varint(header.length), header, section(catalogue.cid, made.bytes), section(root.cid, root.block));
	const reader = await CarReader.fromBytes(bytes);
	known('the root of a CAR', (await reader.getRoots())[0].toString(), X.cidText(root.cid));
	return { root: hex(root.cid), car: hex(bytes) };
}

export async function build() {
	const { story } = await ledger();
	const batch = story.batches.find((b) => b.items.some((i) => i.op === 0x20));
	const made = page(batch);
	const block = sealed(batch, made.bytes);
	return {
		batch: batch.name, page_entries: made.n, page: hex(made.bytes), sealed: hex(block),
		directories: [await dirCase(0, block), await dirCase(1, block), await dirCase(512, block), await dirCase(LINKS, null)],
		trees: [1, 2, LINKS, LINKS + 1, 2 * LINKS + 1].map(tree), car: await car({ bytes: block }),
	};
}
