// The parts that sharing adds to those of lib/parts.js, from the layouts of the formats alone.
import { ascii, cat, expectLength, padTo, padUnit, u8, u16, u32, u64, zeros } from './bytes.js';
import { edSign, scalarBytes, sha256, xchachaPoly } from './prim.js';
import { labelHash } from './parts.js';

const NO_KPQ = zeros(32);
const text16 = (s) => cat(u16(ascii(s).length), ascii(s));

/** The longest beginning of whole characters that fits in n bytes. */
export function cutText(s, n) {
	let out = '';
	for (const c of s) {
		if (ascii(out + c).length > n) break;
		out += c;
	}
	return out;
}

export const terms = (t) => expectLength(cat(t.grantee, u64(t.notBefore), u64(t.notAfter), u64(t.fromTime), u32(t.purposes), u16(t.rights), u8(t.t), u8(t.n)), 64, 'GRANT pub');
export const note = (shareId, label) => {
	const cut = ascii(cutText(label, 31));
	return cat(shareId, u8(cut.length), padTo(cut, 31));
};
export const grantLetter = ({ card, rootDir, shareId, label }) =>
	padUnit(cat(u16(card.length), card, rootDir, shareId, NO_KPQ, u8(ascii(label).length), ascii(label)), 512);
/** The word of the key of the domain around it that a grant lies inside. */
export const outer = ({ domain, seed, head, pub }) => padUnit(cat(domain, edSign(seed, ascii('emrfs/v1/outer\0'), domain, head, pub)), 512);
export const writerLetter = ({ card, inboxDir, keys, label }) =>
	padUnit(cat(u16(card.length), card, inboxDir, NO_KPQ, u8(keys.length), keys.map((k) => cat(u32(k.epoch), scalarBytes(k.a))), u8(ascii(label).length), ascii(label)), 512);
export const requestBody = (r) =>
	padUnit(cat(r.rsalt, u16(r.rights), u16(0), u32(r.purposes), u64(r.until), u16(r.card.length), r.card, text16(r.path), text16(r.reason)), 512);
export const reason = (s) => padUnit(text16(s), 512);

/** Mode 1: what one agent converted, group by epoch; mode 2: keys; mode 3: nothing. */
export const answerCfrags = (groups) => padUnit(cat(u16(groups.length), groups.map((g) => cat(u32(g.epoch), g.X ?? zeros(32), g.U ?? zeros(32), g.sig ?? zeros(64),
	u16(g.answers.length), g.answers.map((a) => cat(u16(a.slot), u8(a.status), u8(0), a.cfrag ?? zeros(128)))))), 512);
export const answerKeys = (answers) => padUnit(cat(u16(answers.length), answers.map((a) => cat(u16(a.slot), u8(a.status), u8(0), a.K ?? zeros(32)))), 512);
export const answerNothing = () => padUnit(u16(0), 512);

export const reportBody = (rows) => cat(u16(rows.length), rows.map((r) => expectLength(cat(r.object, u64(r.version), u64(r.first), u64(r.last), u32(r.opens), u8(r.reader), u8(r.purpose),
	u16(r.flags), u64(r.bytes), r.program), 72, 'report row')));

export const requestTo = (rsalt, addressee) => labelHash('to', rsalt, addressee);

/** A fragment as an agent keeps it: {grant_id, epoch, rk, X, U, sig} under agent-store, AAD = row key. */
export const fragmentRow = ({ key, nonce, row, grant, epoch, k }) =>
	cat(nonce, xchachaPoly(key, nonce, row, expectLength(cat(grant, u32(epoch), scalarBytes(k.rk), k.X, k.U, k.sig), 180, 'fragment row')));

// ---- Cards as text ----

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
export function base32(bytes) {
	let [out, bits, have] = ['', 0n, 0];
	for (const x of bytes) {
		bits = (bits << 8n) | BigInt(x);
		for (have += 8; have >= 5; have -= 5) out += BASE32[Number((bits >> BigInt(have - 5)) & 31n)];
		bits &= (1n << BigInt(have)) - 1n;
	}
	return have ? out + BASE32[Number((bits << BigInt(5 - have)) & 31n)] : out;
}
export const cardQr = (card) => `EMRFS:${base32(card)}`;
export const cardFile = (bytes) => `emrfs card v1\n${Buffer.from(bytes).toString('base64').replace(/.{1,64}/g, '$&\n')}`;
/** The code on a card for emergencies. */
export const emergencyCode = (word) => {
	const bytes = cat(u8(0x20), word);
	return base32(cat(bytes, sha256(ascii('emrfs/v1/code\0'), bytes).slice(0, 3)));
};
export const personCode = (id) => base32(id).slice(0, 8);
