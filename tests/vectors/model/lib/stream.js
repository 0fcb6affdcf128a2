// The test data that C must be able to make again: a xorshift32 stream, each state emitted little-endian.
import { createCipheriv, createHash } from 'node:crypto';

export function xorshift(n, seed = 1) {
	const words = new Uint32Array(Math.ceil(n / 4));
	let x = seed >>> 0;
	for (let i = 0; i < words.length; i++) {
		x ^= x << 13;
		x ^= x >>> 17;
		x ^= x << 5;
		words[i] = x;
	}
	return new Uint8Array(words.buffer, 0, n);
}

/** kubo's deterministic test data: ChaCha20 key stream, key SHA-256(seed), zero nonce. Yields n bytes. */
export function* chachaStream(seed, n, piece = 1 << 20) {
	const c = createCipheriv('chacha20', createHash('sha256').update(seed).digest(), Buffer.alloc(16));
	for (let at = 0; at < n; at += piece) yield new Uint8Array(c.update(Buffer.alloc(Math.min(piece, n - at))));
}
