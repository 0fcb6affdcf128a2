// RFC 9180 base mode, DHKEM(X25519, HKDF-SHA256) / HKDF-SHA256 / ChaCha20Poly1305, with a chosen ephemeral key.
import { ascii, cat, u8, u16, u96, xor, zeros } from './bytes.js';
import { chachaPoly, chachaPolyOpen, expand256, extract256, x25519Shared, xPublic } from './prim.js';

const KEM_SUITE = cat(ascii('KEM'), u16(0x20));
const SUITE = cat(ascii('HPKE'), u16(0x20), u16(1), u16(3));
const V1 = ascii('HPKE-v1');
const labeledExtract = (suite, salt, label, ikm) => extract256(salt, cat(V1, suite, ascii(label), ikm));
const labeledExpand = (suite, prk, label, info, len) =>
	expand256(prk, cat(u16(len), V1, suite, ascii(label), info), len);

export function deriveKeyPair(ikm) {
	const prk = labeledExtract(KEM_SUITE, zeros(0), 'dkp_prk', ikm);
	const sk = labeledExpand(KEM_SUITE, prk, 'sk', zeros(0), 32);
	return { sk, pk: xPublic(sk) };
}

export function schedule(dh, enc, pkR, info) {
	const eae = labeledExtract(KEM_SUITE, zeros(0), 'eae_prk', dh);
	const shared = labeledExpand(KEM_SUITE, eae, 'shared_secret', cat(enc, pkR), 32);
	const ctx = cat(u8(0), labeledExtract(SUITE, zeros(0), 'psk_id_hash', zeros(0)),
		labeledExtract(SUITE, zeros(0), 'info_hash', info));
	const secret = labeledExtract(SUITE, shared, 'secret', zeros(0));
	return {
		shared, ctx, secret,
		key: labeledExpand(SUITE, secret, 'key', ctx, 32),
		baseNonce: labeledExpand(SUITE, secret, 'base_nonce', ctx, 12),
	};
}
export const nonceFor = (baseNonce, seq) => xor(baseNonce, u96(seq));

/** enc ‖ ct, first message of a context. */
export function seal(pkR, skE, info, aad, pt) {
	const enc = xPublic(skE);
	const s = schedule(x25519Shared(skE, pkR), enc, pkR, info);
	return cat(enc, chachaPoly(s.key, s.baseNonce, aad, pt));
}
export function open(skR, info, aad, wire) {
	const enc = wire.slice(0, 32);
	const s = schedule(x25519Shared(skR, enc), enc, xPublic(skR), info);
	return chachaPolyOpen(s.key, s.baseNonce, aad, wire.slice(32));
}
