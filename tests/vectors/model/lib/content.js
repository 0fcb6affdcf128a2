// Content: padded length, the Cobblestone-256 stream, plaintext tree, block m, statement.
import { ascii, cat, expectLength, hex, i64, padTo, padUnit, u8, u16, u32, u64, u96, xor, zeros } from './bytes.js';
import { aesGcm, chachaPoly, expand512, extract512, edSign, hmacSha256, sha256, xchachaPoly } from './prim.js';
import { leafHash, root } from './merkle.js';

export const CHUNK = 16384;
export const SEGMENT = 1 << 18;
/** A leaf that nobody wrote to: as many zero bytes as a full sealed leaf has. */
export const HOLE = zeros(SEGMENT / CHUNK * (CHUNK + 16));
export const AEAD_NAME = { 1: 'AEAD_AES_256_GCM', 2: 'AEAD_CHACHA20_POLY1305' };
const seal = { 1: aesGcm, 2: chachaPoly };

/** Padmé: keep only as many low bits zero as the exponent allows. */
export function padme(n) {
	const L = BigInt(n);
	if (L < 2n) return L;
	const e = BigInt(L.toString(2).length - 1);
	const s = BigInt(e.toString(2).length);
	const low = (1n << (e - s)) - 1n;
	return (L + low) & ~low;
}
export function paddedLength(n, pow2 = false) {
	const N = BigInt(n);
	if (pow2) {
		let p = 1n << 14n;
		while (p <= N) p <<= 1n;
		return p - 1n;
	}
	return N <= 16383n ? 16383n : padme(N + 1n) - 1n;
}

export function schedule(dek, salt, suite) {
	const prk = extract512(ascii('emrfs/v1/dek'), dek);
	const Kc = expand512(prk, ascii('content'), 32);
	const Km = expand512(prk, ascii('manifest'), 32);
	const objctx = expectLength(cat(ascii('emrfs/v1/obj'), u8(suite)), 13, 'objctx');
	return { Kc, Km, objctx, ...cobblestoneKeys(Kc, AEAD_NAME[suite], salt, objctx) };
}
export function cobblestoneKeys(key, aead, salt, ctx) {
	const info = cat(ascii('c2sp.org/chunked-encryption@v1+'), ascii(aead), u8(0), salt, ctx);
	const okm = expand512(key, info, 76);
	return { key: okm.slice(0, 32), baseNonce: okm.slice(32, 44), com: okm.slice(44, 76) };
}

/**
 * Which leaves are holes: the given ones of the file and then, if there is any, all padding but the leaf in which the stream ends.
 * That one never is.
 */
export function holes(n, padded, unwritten) {
	const last = Math.ceil(Number(padded) / SEGMENT) - 1;
	const list = unwritten.filter((i) => i * SEGMENT < n && i < last);
	if (list.length) for (let i = Math.ceil(n / SEGMENT); i < last; i++) list.push(i);
	return new Set(list);
}
/** Yields the sealed leaves of `plain` padded to L'. */
export function* leaves(keys, suite, plain, padded, gaps = new Set()) {
	const total = Number(padded);
	const perLeaf = SEGMENT;
	for (let at = 0; at < total; at += perLeaf) {
		const chunks = [];
		if (gaps.has(at / perLeaf)) {
			yield HOLE;
			continue;
		}
		for (let o = at; o < Math.min(at + perLeaf, total); o += CHUNK) {
			const len = Math.min(CHUNK, total - o);
			const pt = padTo(plain.slice(o, Math.min(o + len, plain.length)), len);
			const nonce = xor(keys.baseNonce, u96(o / CHUNK));
			chunks.push(seal[suite](keys.key, nonce, zeros(0), pt));
		}
		yield cat(chunks);
	}
}

/** Of a content with holes every segment of zeros has the one leaf hash, whether it is stored or not. */
export function plainRoot(hk, plain, hasHoles = false) {
	const list = [];
	for (let i = 0; i * SEGMENT < plain.length; i++) {
		const segment = plain.slice(i * SEGMENT, (i + 1) * SEGMENT);
		list.push(hasHoles && segment.every((b) => b === 0) ? leafHash(hk) : leafHash(hk, u64(i), segment));
	}
	return root(list);
}

export function mHeader({ suite, flags = 0, padded, salt, com, mnonce, mlen }) {
	return expectLength(cat(ascii('EMRF'), u8(flags & 2 ? 2 : 1), u8(suite), u8(18), u8(flags), u64(padded), salt, com,
		mnonce, u32(mlen)), 100, 'm header');
}
export function manifest({ n, mtimeNs, hk, root: r, mime = '', doc = '', stmt = zeros(0), sig = zeros(0), holes: gaps = 0 }) {
	const [mb, db] = [ascii(mime), ascii(doc)];
	const head = expectLength(cat(ascii('EMRM'), u8(gaps ? 2 : 1), u8(0), u8(18), u8(mb.length), u64(n), i64(mtimeNs), hk, r,
		u8(db.length), u8(0), u16(stmt.length), u32(gaps)), 96, 'manifest head');
	return padUnit(cat(head, mb, db, stmt, sig), 1024);
}
export function mBlock({ Km, suite, flags, padded, salt, com, mnonce, record, cver, manifest: man }) {
	const head = mHeader({ suite, flags, padded, salt, com, mnonce, mlen: man.length + 16 });
	return cat(head, xchachaPoly(Km, mnonce, cat(head, record, u64(cver)), man));
}

export const typeHash = (mime, doc) => {
	const [m, d] = [ascii(mime), ascii(doc)];
	return sha256(u8(m.length), m, u8(d.length), d);
};
export const contentHash = (suite, padded, cid) =>
	sha256(ascii('emrfs/v1/content\0'), u8(suite), u8(18), u64(padded), expectLength(cid, 36, 'cid'));
export const pidCommit = (rPid, identityPk) => sha256(ascii('emrfs/v1/pid'), rPid, identityPk);

export function statement(s) {
	return expectLength(cat(ascii('emrfs-stmt-v1\0'), u8(s.alg), u8(s.kind), s.issuerId, s.pidCommit, s.record,
		u64(s.cver), s.prevStmt, s.root, u64(s.n), s.typeHash, u64(s.issuedAt), u64(s.issuerSeq), s.certRef,
		s.content, s.com), 320, 'stmt');
}
// A copy for research: what it was made of, and by which rules.
export const derivedKey = (secret, record, cver) => hmacSha256(secret, cat(ascii('emrfs/v1/derived-key\0'), record, u64(cver)));
export const derivedSource = (key, record, cver) => hmacSha256(key, cat(ascii('emrfs/v1/derived\0'), record, u64(cver)));
export const derivedRules = (table, terms) => sha256(ascii('emrfs/v1/rules\0'), u8(table.length), ascii(table), terms);
export const derivedDoc = (rules) => `derived:${hex(rules)}`;
export const derivedMark = (source, rules, mtimeNs) => expectLength(cat(source, rules, i64(mtimeNs)), 72, 'mark');

export const signStatement = (seed, stmt) => edSign(seed, stmt);

/** A full sealed leaf in quarters of its chunks, the last of each with the chunk's tag: what one computer knows each of them by. */
export function unitTags(key, leaf) {
	const leafKey = hmacSha256(key, sha256(leaf));
	const tags = [];
	for (let at = 0; at < leaf.length; at += CHUNK + 16) {
		for (let q = 0; q < 4; q++) {
			const unit = leaf.slice(at + q * CHUNK / 4, q === 3 ? at + CHUNK + 16 : at + (q + 1) * CHUNK / 4);
			tags.push(aesGcm(leafKey, u96(tags.length), unit, zeros(0)));
		}
	}
	return tags;
}
