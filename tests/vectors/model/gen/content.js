// content.json: a file of n bytes on its way to the blocks of one record version.
import { ascii, cat, hex, run, u64, zeros } from '../lib/bytes.js';
import * as C from '../lib/content.js';
import * as K from '../lib/keys.js';
import { sha256 } from '../lib/prim.js';
import { xorshift } from '../lib/stream.js';
import * as Q from '../lib/parts.js';
import * as X from '../lib/unixfs.js';
import { known } from '../lib/known.js';

const seed = run(0, 32);
const domain = run(0xd0, 16);
const TIME = 1700000000;

function plainOf(c) {
	if (c.hello) return ascii('hello, emrfs\n');
	const plain = xorshift(c.n, 1);
	for (const i of [...(c.zeros ?? []), ...(c.unwritten ?? [])]) plain.fill(0, i * C.SEGMENT, (i + 1) * C.SEGMENT);
	return plain;
}

function derivation({ cver, table }) {
	const [secret, record, terms] = [run(0x50, 32), run(0x90, 16), sha256(ascii('{"data":"de-identified"}'))];
	const key = C.derivedKey(secret, record, cver);
	const source = C.derivedSource(key, record, cver);
	const rules = C.derivedRules(table, terms);
	return { secret, record, cver, table, terms, key, source, rules, doc: C.derivedDoc(rules) };
}

async function one(c) {
	const { n, suite = 1, pow2 = false } = c;
	const plain = plainOf(c);
	const [dek, salt, mnonce, hk] = [run(0, 32), run(0xa0, 24), run(0xc0, 24), run(0x40, 32)];
	const [record, rPid] = [run(0x80, 16), run(0x20, 32)];
	const derived = c.derived ? derivation(c.derived) : null;
	const [mime, doc, cver, mtimeNs] = [c.mime ?? 'text/plain', derived?.doc ?? c.doc ?? '', c.cver ?? 1, BigInt(c.mtimeNs ?? 1700000000123456789n)];
	const padded = C.paddedLength(n, pow2);
	const keys = C.schedule(dek, salt, suite);
	const gaps = C.holes(n, padded, c.unwritten ?? []);
	const flags = (pow2 ? 1 : 0) | (gaps.size ? 2 : 0);
	const leaves = [...C.leaves(keys, suite, plain, padded, gaps)];
	const dag = X.file(leaves);
	const root = C.plainRoot(hk, plain, gaps.size > 0);
	const issuer = K.domSign(seed, domain, 1);
	const patient = K.sign(seed, 1);
	const content = C.contentHash(suite, padded, dag.cid);
	const typeHash = C.typeHash(mime, doc);
	const pid = C.pidCommit(rPid, patient.pk);
	const stmt = C.statement({
		alg: 1, kind: derived ? 3 : 1, issuerId: sha256(issuer.pk), pidCommit: pid, record, cver, prevStmt: derived?.source ?? zeros(32), root, n,
		typeHash, issuedAt: TIME, issuerSeq: 0, certRef: zeros(32), content, com: keys.com,
	});
	const sig = C.signStatement(issuer.seed, stmt);
	const man = c.unsigned
		? C.manifest({ n, mtimeNs, hk, root, mime, doc, holes: gaps.size })
		: C.manifest({ n, mtimeNs, hk, root, mime, doc, stmt, sig, holes: gaps.size });
	const m = C.mBlock({ Km: keys.Km, suite, flags, padded, salt, com: keys.com, mnonce, record, cver, manifest: man });
	const dir = X.directory([{ name: 'c', cid: dag.cid, tsize: dag.tsize }, { name: 'm', cid: X.rawCid(m), tsize: m.length }]);

	const oracle = await X.stock([{ path: 'c', content: cat(leaves) }, { path: 'm', content: m }], { wrap: true });
	known(`c of n=${n}`, X.cidText(dag.cid), oracle.entries.find((e) => e.path === 'c').cid);
	known(`root of n=${n}`, X.cidText(dir.cid), oracle.root.cid);

	return {
		name: c.name ?? `n=${n} suite=${suite}${pow2 ? ' pow2' : ''}${c.unsigned ? ' unsigned' : ''}`,
		n, plain: c.hello ? 'hello' : 'xorshift32', suite, flags, padded_len: String(padded),
		dek: hex(dek), salt: hex(salt), k_c: hex(keys.Kc), k_m: hex(keys.Km), key: hex(keys.key), base_nonce: hex(keys.baseNonce), com: hex(keys.com),
		leaf_count: leaves.length,
		...(c.unwritten ? { zeros: c.zeros ?? [], unwritten: c.unwritten, holes: [...gaps] } : {}),
		leaves: leaves.map((l) => ({ size: l.length, sha256: hex(sha256(l)) })),
		stream_len: leaves.reduce((t, l) => t + l.length, 0), stream_sha256: hex(sha256(cat(leaves))),
		content_cid: hex(dag.cid), content_cid_text: X.cidText(dag.cid), content_tsize: String(dag.tsize),
		content_root_block: dag.block ? hex(dag.block) : '',
		record_id: hex(record), cver, hk: hex(hk), root: hex(root), mtime_ns: String(mtimeNs), mime, doc,
		issuer_seed: hex(issuer.seed), issuer_pk: hex(issuer.pk), patient_pk: hex(patient.pk), r_pid: hex(rPid), pid_commit: hex(pid),
		...(derived ? { derived: {
			secret: hex(derived.secret), record: hex(derived.record), cver: String(derived.cver), table: derived.table, terms: hex(derived.terms),
			key: hex(derived.key), source: hex(derived.source), rules: hex(derived.rules), mark: hex(C.derivedMark(derived.source, derived.rules, mtimeNs)),
		} } : {}),
		type_hash: hex(typeHash), content_hash: hex(content), issued_at: TIME, signed: !c.unsigned,
		stmt: c.unsigned ? '' : hex(stmt), stmt_sha256: c.unsigned ? '' : hex(sha256(stmt)), sig: c.unsigned ? '' : hex(sig),
		mnonce: hex(mnonce), manifest: hex(man), m: hex(m), m_len: m.length, m_sha256: hex(sha256(m)), m_cid: hex(X.rawCid(m)),
		meta: hex(Q.meta({ type: 1, mode: 0o600, n, mtimeNs, parent: zeros(16), rPid, mime, name: 'a', storedLeaves: gaps.size ? leaves.length - gaps.size : 0 })),
		dir_block: hex(dir.block), dir_tsize: String(dir.tsize), root_cid: hex(dir.cid), root_cid_text: X.cidText(dir.cid),
	};
}

const SIZES = [0, 1, 13, 5000, 16383, 16384, 16385, 262143, 262144, 262145, 1000000];
const CASES = [
	{ n: 13, hello: true, name: 'hello' },
	...SIZES.map((n) => ({ n })),
	...SIZES.map((n) => ({ n, suite: 2 })),
	...[0, 5000, 16383, 16384, 262144, 1000000].map((n) => ({ n, pow2: true })),
	{ n: 5000, unsigned: true },
	{ n: 5000, mime: 'application/dicom', doc: '24627-2', cver: 3, mtimeNs: -1n, name: 'n=5000 dicom, cver 3, mtime before 1970' },
	{ n: 5000, mime: `application/${'x'.repeat(243)}`, doc: '1'.repeat(255), name: 'n=5000 longest mime and doc' },
	{ n: 5000, mime: 'application/dicom', derived: { cver: 3, table: 'PS3.15-2026c/2' }, name: 'n=5000 derived' },
	{ n: 13, hello: true, derived: { cver: 2 ** 40, table: '' }, cver: 2, mtimeNs: -1n, name: 'hello, derived, no table named' },
	{ n: 5000, mime: '', doc: '', name: 'n=5000 no mime' },
	{ n: 1000000, unwritten: [1, 2], name: 'n=1000000 two holes' },
	{ n: 1500000, unwritten: [0, 4], zeros: [2], suite: 2, name: 'n=1500000 suite=2 two holes, and zeros that were written' },
	{ n: 1100000, unwritten: [0, 1, 2, 3, 4], pow2: true, name: 'n=1100000 pow2 nothing written, padding is no more' },
	{ n: 524288, unwritten: [1], name: 'n=524288 last segment unwritten' },
	{ n: 300000, unwritten: [1], name: 'n=300000 where the stream ends is no hole' },
];

export async function build() {
	const cases = [];
	for (const c of CASES) cases.push(await one(c));
	const h = cases[0];
	known('K_c', h.k_c, '9effceb10949cd84a22cd8ea7aa5ba9c4a0cb8ea64128d7448713792b7cf470b');
	known('com', h.com, '2ffd5cd3436a8775e236efe76efa4ab5757b57a0cb23c2d40c1b93db138015b1');
	known('leaf 0', h.leaves[0].sha256, '525743b38b8a1cffe1d25a959334fd22e9e78d3c3c62f2a43ada027743714226');
	known('root', h.root, '5d2106cddf8eab9da532aa86fa82f3923a30f18ea6fe11f3ec1caf11a93825d0');
	known('content', h.content_hash, '58b8fbd679ed07bfb2f914250b7edd9627fbf95cdae4a1681fae5bbc57907b55');
	known('stmt', h.stmt_sha256, 'ee92cd95910f605c659779f2b9f904f396d375999955d69782b0c2d01f3415bd');
	known('stmt sig', h.sig, 'f661eb24025369492b746263a3cd2736f6bbda20159ca5bb806e16553a593ca21b7868afbc031bba86f5ad1804caa3a10424688c2aa8f2d1046e9cb443eb1d09');

	const unitKey = run(0x60, 32);
	const unitLeaf = xorshift(16 * (C.CHUNK + 16), 1);
	const units = { key: hex(unitKey), sha256: hex(sha256(unitLeaf)), tags: hex(cat(...C.unitTags(unitKey, unitLeaf))) };

	const at = [0n, 1n, 16382n, 16383n, 16384n, 16385n, 17000n, 32767n, 32768n, 65535n, 65536n, 100000n, 262143n, 262144n, 262145n,
		1000000n, 1n << 20n, (1n << 20n) + 1n, 10000000n, (1n << 28n) - 1n, 1n << 28n, (1n << 28n) + 1n, 1n << 30n, (1n << 32n) - 1n, 1n << 32n,
		(1n << 40n) - 1n, 1n << 40n, (1n << 42n) - 1n, 1n << 42n];
	const padding = at.map((n) => ({ n: String(n), padme: String(C.paddedLength(n)), pow2: String(C.paddedLength(n, true)) }));
	return { plain_hello: hex(ascii('hello, emrfs\n')), xorshift_seed: 1, xorshift_first_32: hex(xorshift(32, 1)), cases, units, padding };
}
