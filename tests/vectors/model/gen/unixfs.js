// unixfs.json: CIDs, file and directory DAGs as stock IPFS makes them, and small CAR files.
import { CarReader, CarWriter } from '@ipld/car';
import { CID } from 'multiformats/cid';
import { base32 } from 'multiformats/bases/base32';
import { ascii, cat, hex, zeros } from '../lib/bytes.js';
import { sha256 } from '../lib/prim.js';
import { chachaStream, xorshift } from '../lib/stream.js';
import * as C from '../lib/content.js';
import * as X from '../lib/unixfs.js';
import { known } from '../lib/known.js';

function* cut(bytes, size) {
	for (let o = 0; o < bytes.length; o += size) yield bytes.subarray(o, Math.min(o + size, bytes.length));
	if (bytes.length === 0) yield zeros(0);
}
/** Cuts an iterable of equal power-of-two pieces; enough for chunk sizes that the pieces divide. */
function* regroup(pieces, size) {
	for (const p of pieces) yield* cut(p, size);
}

async function fileCase(name, stream, n, make, { chunk = X.LEAF, links = X.LINKS } = {}) {
	const own = X.file(make(chunk), links);
	const oracle = await X.stock([{ path: 'f', content: make(chunk) }], { chunk, links });
	known(`${name}: CID`, X.cidText(own.cid), oracle.root.cid);
	const leaves = n === 0 ? 1 : Math.ceil(n / chunk);
	return {
		name, stream, n, chunk_size: chunk, max_links: links, leaf_count: leaves, cid: hex(own.cid), cid_text: X.cidText(own.cid),
		tsize: String(own.tsize), inner_count: own.inner.length, block_count: leaves + own.inner.length,
		root_block_len: own.block ? own.block.length : 0, root_block: own.block && own.block.length <= 2048 ? hex(own.block) : '',
		inner_sha256: own.inner.map((b) => hex(sha256(b))),
	};
}

async function directories() {
	const c = ascii('hello, emrfs\n');
	const m = ascii('the other name');
	const big = X.file(cut(xorshift(2 * X.LEAF + 1), X.LEAF));
	const sets = [
		{ name: 'empty', entries: [] },
		{ name: 'c and m, both raw', entries: [{ name: 'c', bytes: c }, { name: 'm', bytes: m }] },
		{ name: 'c of three leaves, m raw', entries: [{ name: 'c', bytes: xorshift(2 * X.LEAF + 1) }, { name: 'm', bytes: m }] },
		{ name: 'hw.txt', entries: [{ name: 'hw.txt', bytes: ascii('hello world') }] },
	];
	const out = [];
	for (const s of sets) {
		const links = s.entries.map((e) => {
			const f = X.file(cut(e.bytes, X.LEAF));
			return { name: e.name, cid: f.cid, tsize: f.tsize };
		});
		const dir = X.directory(links);
		if (s.entries.length) {
			const oracle = await X.stock(s.entries.map((e) => ({ path: e.name, content: e.bytes })), { wrap: true });
			known(`directory ${s.name}`, X.cidText(dir.cid), oracle.root.cid);
		}
		out.push({
			name: s.name, links: links.map((l) => ({ name: l.name, cid: hex(l.cid), tsize: String(l.tsize) })),
			block: hex(dir.block), cid: hex(dir.cid), cid_text: X.cidText(dir.cid), tsize: String(dir.tsize),
		});
	}
	known('empty directory', out[0].cid_text, 'bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354');
	known('kubo hw.txt', out[3].cid_text, 'bafybeidfvgyy5y2k6wjtxujv4bjayv5iisxg566bnglm3xzws7ooirivse');
	known('three leaves tsize', String(big.tsize), out[2].links[0].tsize);
	return out;
}

const section = (cid, data) => cat(X.varint(cid.length + data.length), cid, data);
/** CARv1 header for one CIDv1 root: DAG-CBOR {"roots": [42(h'00' cid)], "version": 1}. */
function carHeader(root) {
	const body = cat(Uint8Array.of(0xa2, 0x65), ascii('roots'), Uint8Array.of(0x81, 0xd8, 0x2a, 0x58, 0x25, 0), root,
		Uint8Array.of(0x67), ascii('version'), Uint8Array.of(1));
	return cat(X.varint(body.length), body);
}
async function carCase(name, root, blocks) {
	const own = cat(carHeader(root), blocks.map((b) => section(b.cid, b.data)));
	const { writer, out } = CarWriter.create([CID.decode(root)]);
	const pieces = [];
	const drain = (async () => {
		for await (const p of out) pieces.push(p);
	})();
	for (const b of blocks) await writer.put({ cid: CID.decode(b.cid), bytes: b.data });
	await writer.close();
	await drain;
	known(`CAR ${name}`, own, hex(cat(pieces.map((p) => Uint8Array.from(p)))));
	const reader = await CarReader.fromBytes(own);
	known(`CAR ${name} root`, (await reader.getRoots())[0].toString(), X.cidText(root));
	let at = carHeader(root).length;
	return {
		name, root: hex(root), header: hex(carHeader(root)), car: hex(own),
		sections: blocks.map((b) => {
			const s = section(b.cid, b.data);
			const row = { cid: hex(b.cid), data: hex(b.data), offset: at, section_len: s.length, data_offset: at + s.length - b.data.length };
			at += s.length;
			return row;
		}),
	};
}

export async function build() {
	const L = X.LEAF;
	const files = [];
	const whole = (bytes) => (size) => cut(bytes, size);
	for (const n of [0, 1, L - 1, L, L + 1, 2 * L, 3 * L - 5]) {
		files.push(await fileCase(`xorshift32 ${n}`, 'xorshift32', n, whole(xorshift(n))));
		if (n) files.push(await fileCase(`zeros ${n}`, 'zeros', n, whole(zeros(n))));
	}
	// A small fan-out shows the shape of deep trees cheaply.
	for (const n of [4, 5, 16, 17, 20, 64, 65]) files.push(await fileCase(`fan-out 4, ${n} leaves of 10`, 'xorshift32', 10 * n - 3, whole(xorshift(10 * n - 3)), { chunk: 10, links: 4 }));
	for (const n of [1024 * L, 1024 * L + 1]) files.push(await fileCase(`xorshift32 ${n}`, 'xorshift32', n, whole(xorshift(n))));
	known('empty file', files[0].cid_text, 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku');

	// Subtrees of nothing but holes, by their height.
	const holes = [];
	let kid = { cid: X.rawCid(C.HOLE), tsize: BigInt(L), size: BigInt(L) };
	for (let height = 0; height < 3; height++) {
		holes.push({ height, cid: hex(kid.cid), tsize: String(kid.tsize) });
		kid = X.parent(Array(X.LINKS).fill(kid));
	}
	known('1,024 holes', holes[1].cid, hex(X.file((function* () { for (let i = 0; i < X.LINKS; i++) yield C.HOLE; })()).cid));

	const MIB = 1 << 20;
	const kubo = [
		['chunk-v1-seed', MIB, MIB, 1024, 'bafkreiacndfy443ter6qr2tmbbdhadvxxheowwf75s6zehscklu6ezxmta'],
		['chunk-v1-seed', MIB + 1, MIB, 1024, 'bafybeigmix7t42i6jacydtquhet7srwvgpizfg7gjbq7627d35mjomtu64'],
		['chunk-v1-seed', MIB, MIB / 4, 174, 'bafybeic2h5iy3qr6kenis5u6o7rhjxlv4iopgfxhnkaohxn7qo7nkwdlbm'],
		['v1-2025-seed', 1024 * MIB, MIB, 1024, 'bafybeihmf37wcuvtx4hpu7he5zl5qaf2ineo2lqlfrapokkm5zzw7zyhvm'],
		['v1-2025-seed', 1024 * MIB + 1, MIB, 1024, 'bafybeibdsi225ugbkmpbdohnxioyab6jsqrmkts3twhpvfnzp77xtzpyhe'],
	];
	const profile = [];
	for (const [seed, n, chunk, links, want] of kubo) {
		const c = await fileCase(`kubo ${seed} ${n}`, 'chacha20', n, (size) => regroup(chachaStream(seed, n), size), { chunk, links });
		known(c.name, c.cid_text, want);
		profile.push({ ...c, seed });
	}
	known('kubo tsize 1 MiB + 1', profile[1].tsize, '1048681');
	known('kubo tsize 1 GiB', profile[3].tsize, '1073793035');
	const hello = ascii('hello world');
	known('kubo hello world', X.cidText(X.rawCid(hello)), 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e');

	const emptyRaw = X.rawCid(zeros(0));
	const data = ascii('hello, emrfs\n');
	const raw = { cid: X.rawCid(data), data };
	const dir = X.directory([{ name: 'hello.txt', cid: raw.cid, tsize: data.length }]);
	const cars = [
		await carCase('a directory and its file', dir.cid, [{ cid: dir.cid, data: dir.block }, raw]),
		await carCase('a segment: the empty raw block as root, then one block', emptyRaw, [{ cid: emptyRaw, data: zeros(0) }, raw]),
	];
	const cids = [zeros(0), data, dir.block].map((b, i) => {
		const cid = i === 2 ? X.pbCid(b) : X.rawCid(b);
		known('base32', `b${base32.baseEncode(cid)}`, X.cidText(cid));
		return { codec: i === 2 ? 'dag-pb' : 'raw', block: hex(b), cid: hex(cid), text: X.cidText(cid) };
	});
	const varints = [0n, 1n, 127n, 128n, 255n, 300n, 16384n, 2n ** 32n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n].map((v) => ({ value: String(v), bytes: hex(X.varint(v)) }));
	return { xorshift_seed: 1, hello_world_cid_text: X.cidText(X.rawCid(hello)), files, holes, profile, directories: await directories(), cids, varints, cars };
}
