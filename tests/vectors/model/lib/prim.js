// The primitives, each from @noble: nothing here knows a format of emrfs.
import { ed25519, ristretto255, ristretto255_hasher, x25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { gcm } from '@noble/ciphers/aes.js';
import { hkdf as nobleHkdf, extract } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { argon2id } from '@noble/hashes/argon2.js';
import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js';
import { cat, u8, zeros } from './bytes.js';

export { argon2id, ed25519, p256, ristretto255, ristretto255_hasher, x25519 };
export const Point = ristretto255.Point;
export const ELL = 2n ** 252n + 27742317777372353535851937790883648493n;

export const sha256 = (...parts) => nobleSha256(cat(...parts));
export const sha512 = (...parts) => nobleSha512(cat(...parts));
export const hmacSha256 = (key, data) => hmac(nobleSha256, key, data);
export const hmacSha512 = (key, data) => hmac(nobleSha512, key, data);
export const hkdf512 = (salt, ikm, info, len) => nobleHkdf(nobleSha512, ikm, salt, info, len);
export const hkdf256 = (salt, ikm, info, len) => nobleHkdf(nobleSha256, ikm, salt, info, len);
export const extract512 = (salt, ikm) => extract(nobleSha512, ikm, salt);
export const extract256 = (salt, ikm) => extract(nobleSha256, ikm, salt);

/** RFC 5869 Expand written over HMAC, because a key shorter than the hash must be allowed here. */
export function expandWith(mac, prk, info, len) {
	let t = zeros(0);
	let out = zeros(0);
	for (let i = 1; out.length < len; i++) {
		t = mac(prk, cat(t, info, u8(i)));
		out = cat(out, t);
	}
	return out.slice(0, len);
}
export const expand512 = (prk, info, len) => expandWith(hmacSha512, prk, info, len);
export const expand256 = (prk, info, len) => expandWith(hmacSha256, prk, info, len);

export const aesGcm = (key, nonce, aad, pt) => gcm(key, nonce, aad).encrypt(pt);
export const chachaPoly = (key, nonce, aad, pt) => chacha20poly1305(key, nonce, aad).encrypt(pt);
export const chachaPolyOpen = (key, nonce, aad, ct) => chacha20poly1305(key, nonce, aad).decrypt(ct);
export const xchachaPoly = (key, nonce, aad, pt) => xchacha20poly1305(key, nonce, aad).encrypt(pt);
export const xchachaPolyOpen = (key, nonce, aad, ct) => xchacha20poly1305(key, nonce, aad).decrypt(ct);

export const edPublic = (seed) => ed25519.getPublicKey(seed);
export const edSign = (seed, ...parts) => ed25519.sign(cat(...parts), seed);
export const xPublic = (sk) => x25519.getPublicKey(sk);
export const x25519Shared = (sk, pk) => x25519.getSharedSecret(sk, pk);

export const mod = (v, m = ELL) => ((v % m) + m) % m;
export function fromLE(b) {
	let v = 0n;
	for (let i = b.length - 1; i >= 0; i--) v = (v << 8n) | BigInt(b[i]);
	return v;
}
export function fromBE(b) {
	let v = 0n;
	for (const x of b) v = (v << 8n) | BigInt(x);
	return v;
}
export function scalarBytes(v) {
	const out = new Uint8Array(32);
	for (let i = 0, x = mod(v); i < 32; i++, x >>= 8n) out[i] = Number(x & 0xffn);
	return out;
}
export function inverse(v) {
	let [a, b, x, y] = [mod(v), ELL, 1n, 0n];
	if (a === 0n) throw new Error('inverse of zero');
	while (b) {
		const q = a / b;
		[a, b, x, y] = [b, a % b, y, x - q * y];
	}
	return mod(x);
}
/** A scalar as the wire wants it: 32 bytes, canonical. */
export function readScalar(b) {
	const v = fromLE(b);
	if (b.length !== 32 || v >= ELL) throw new Error('scalar not canonical');
	return v;
}
/** A point as the wire wants it: 32 bytes, canonical (so bit 255 clear), not the identity. */
export function readPoint(b) {
	if (b.length !== 32 || b[31] & 0x80) throw new Error('point encoding');
	const p = Point.fromBytes(b);
	if (p.equals(Point.ZERO)) throw new Error('identity point');
	return p;
}
export const mulBase = (s) => Point.BASE.multiply(mod(s));

/** ECDSA P-256 over SHA-256, raw r ‖ s, low s, deterministic (RFC 6979). */
export const p256Sign = (sk, msg) => p256.sign(msg, sk, { lowS: true, prehash: true, format: 'compact' });
export const p256Verify = (pk, msg, sig) => p256.verify(sig, msg, pk, { lowS: true, prehash: true, format: 'compact' });
