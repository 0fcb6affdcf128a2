// Puts the model's own primitives and its chunked stream through the kept Wycheproof vectors.
import { readFileSync } from 'node:fs';
import { cat, hex, u96, unhex, xor, zeros } from './bytes.js';
import { AEAD_NAME, CHUNK, cobblestoneKeys } from './content.js';
import { chachaPoly, ed25519, hkdf256, hkdf512, hmacSha512, p256Verify, sha512, x25519Shared, xchachaPoly } from './prim.js';
import { gcm } from '@noble/ciphers/aes.js';
import { p256 } from '@noble/curves/nist.js';

const load = (name) => JSON.parse(readFileSync(new URL(`../../wycheproof/${name}.json`, import.meta.url), 'utf8')).tests;

function openStream(key, ctx, ct) {
	if (key.length !== 32 || ct.length < 56) throw new Error('header');
	const keys = cobblestoneKeys(key, AEAD_NAME[1], ct.slice(0, 24), ctx);
	if (hex(keys.com) !== hex(ct.slice(24, 56))) throw new Error('commitment');
	const out = [];
	for (let at = 56, c = 0; ; c++) {
		const sealed = ct.slice(at, at + CHUNK + 16);
		const plain = gcm(keys.key, xor(keys.baseNonce, u96(c)), zeros(0)).decrypt(sealed);
		out.push(plain);
		at += sealed.length;
		if (plain.length < CHUNK) {
			if (at !== ct.length) throw new Error('trailing bytes');
			return cat(out);
		}
	}
}
function stream(t) {
	const ct = cat(t.ct.map(([h, times]) => (times === 1 ? unhex(h) : Uint8Array.from(Buffer.alloc(times, Buffer.from(h, 'hex'))))));
	const plain = openStream(unhex(t.key), unhex(t.ctx), ct);
	return plain.length === t.msgLength && hex(sha512(plain)) === t.msgSha512;
}
const aead = (seal, ivLen) => (t) => {
	if (t.iv.length !== 2 * ivLen) return false;
	return hex(seal(unhex(t.key), unhex(t.iv), unhex(t.aad), unhex(t.msg))) === t.ct + t.tag;
};
const lowS = (t) => p256.Signature.fromHex(t.sig, 'compact').hasHighS();

const RUNS = {
	aes_gcm: aead((k, n, a, m) => gcm(k, n, a).encrypt(m), 12),
	chacha20_poly1305: aead(chachaPoly, 12),
	xchacha20_poly1305: aead(xchachaPoly, 24),
	c2sp_chunked_encryption_aes_256_gcm: stream,
	ed25519: (t) => ed25519.verify(unhex(t.sig), unhex(t.msg), unhex(t.pk), { zip215: false }),
	x25519: (t) => hex(x25519Shared(unhex(t.private), unhex(t.public))) === t.shared,
	hkdf_sha512: (t) => hex(hkdf512(unhex(t.salt), unhex(t.ikm), unhex(t.info), t.size)) === t.okm,
	hkdf_sha256: (t) => hex(hkdf256(unhex(t.salt), unhex(t.ikm), unhex(t.info), t.size)) === t.okm,
	hmac_sha512: (t) => hex(hmacSha512(unhex(t.key), unhex(t.msg))).startsWith(t.tag),
	// The high-s half of a valid pair is refused here on purpose: our formats ask for low s.
	ecdsa_secp256r1_sha256_p1363: (t) => p256Verify(unhex(t.pk), unhex(t.msg), unhex(t.sig)) || (t.result === 'valid' && lowS(t)),
};

export function wycheproof() {
	let total = 0;
	for (const [name, run] of Object.entries(RUNS)) {
		for (const t of load(name)) {
			let ok;
			try {
				ok = run(t);
			} catch {
				ok = false;
			}
			total++;
			if (t.result === 'acceptable') continue;
			if (ok !== (t.result === 'valid')) throw new Error(`wycheproof ${name} tcId ${t.tcId}: ${ok}, expected ${t.result}`);
		}
	}
	return total;
}
