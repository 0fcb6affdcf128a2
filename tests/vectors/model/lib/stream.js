// The test data that C must be able to make again: a xorshift32 stream, each state emitted little-endian.
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
