// Just enough DER to make deterministic X.509 certificates for the vectors.
import { ascii, cat, u8, zeros } from './bytes.js';
import { edSign } from './prim.js';
import { createHash } from 'node:crypto';

function der(tag, ...parts) {
	const body = cat(parts);
	const n = body.length;
	const len = n < 128 ? u8(n) : n < 256 ? cat(u8(0x81), u8(n)) : cat(u8(0x82), u8(n >> 8), u8(n & 255));
	return cat(u8(tag), len, body);
}
const seq = (...p) => der(0x30, ...p);
function oid(text) {
	const n = text.split('.').map(Number);
	const body = [40 * n[0] + n[1]];
	for (const v of n.slice(2)) {
		const digits = [v & 127];
		for (let x = v >> 7; x; x >>= 7) digits.unshift((x & 127) | 128);
		body.push(...digits);
	}
	return der(6, Uint8Array.from(body));
}
const name = (cn) => seq(der(0x31, seq(oid('2.5.4.3'), der(0x0c, ascii(cn)))));
const time = (unix) => {
	const s = new Date(unix * 1000).toISOString().replace(/[-:T]/g, '').slice(2, 14);
	return der(0x17, ascii(`${s}Z`));
};
const ED25519 = seq(oid('1.3.101.112'));
export const spkiEd25519 = (pk) => seq(ED25519, der(3, u8(0), pk));
export const spkiP256 = (pk) => seq(seq(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')), der(3, u8(0), pk));
const keyId = (pk) => new Uint8Array(createHash('sha1').update(pk).digest());
const ext = (id, critical, value) => seq(oid(id), critical ? der(1, u8(0xff)) : zeros(0), der(4, value));

/** A certificate signed by an Ed25519 CA key. `attrs` becomes Fabric's attribute extension. */
export function certificate({ serial, issuer, subject, from, to, spki, pk, caSeed, caPk, isCa, attrs }) {
	const exts = [
		ext('2.5.29.19', true, isCa ? seq(der(1, u8(0xff))) : seq()),
		ext('2.5.29.15', true, der(3, isCa ? Uint8Array.of(1, 0x06) : Uint8Array.of(7, 0x80))),
		ext('2.5.29.14', false, der(4, keyId(pk))),
		ext('2.5.29.35', false, seq(der(0x80, keyId(caPk)))),
	];
	if (attrs) exts.push(ext('1.2.3.4.5.6.7.8.1', false, ascii(JSON.stringify({ attrs }))));
	const tbs = seq(der(0xa0, der(2, u8(2))), der(2, u8(serial)), ED25519, name(issuer), seq(time(from), time(to)), name(subject), spki,
		der(0xa3, seq(...exts)));
	return seq(tbs, ED25519, der(3, u8(0), edSign(caSeed, tbs)));
}
