// Byte building blocks of the model: everything is a Uint8Array, integers are big-endian.
export const hex = (b) => Buffer.from(b).toString('hex');
export const unhex = (s) => Uint8Array.from(Buffer.from(s, 'hex'));
export const ascii = (s) => Uint8Array.from(Buffer.from(s, 'utf8'));
export const zeros = (n) => new Uint8Array(n);
export const fill = (byte, n) => new Uint8Array(n).fill(byte);

/** n bytes counting up from start: run(0x10, 16) is 10 11 .. 1f. */
export const run = (start, n) => Uint8Array.from({ length: n }, (_, i) => (start + i) & 0xff);

function uint(width) {
	return (value) => {
		let v = BigInt(value);
		if (v < 0n || v >= 1n << BigInt(8 * width)) throw new RangeError(`u${8 * width}: ${value}`);
		const out = new Uint8Array(width);
		for (let i = width - 1; i >= 0; i--, v >>= 8n) out[i] = Number(v & 0xffn);
		return out;
	};
}
export const u8 = uint(1);
export const u16 = uint(2);
export const u32 = uint(4);
export const u64 = uint(8);
export const u96 = uint(12);
export const i64 = (v) => u64(BigInt.asUintN(64, BigInt(v)));

export function cat(...parts) {
	const flat = parts.flat(Infinity);
	for (const p of flat) if (!(p instanceof Uint8Array)) throw new TypeError(`not bytes: ${p}`);
	return Uint8Array.from(Buffer.concat(flat));
}

/** Pads with zeros to exactly n bytes; refuses to cut. */
export function padTo(b, n) {
	if (b.length > n) throw new RangeError(`${b.length} bytes do not fit in ${n}`);
	return cat(b, zeros(n - b.length));
}

/** Pads with zeros to the next multiple of unit, at least one unit. */
export const padUnit = (b, unit) => padTo(b, Math.max(1, Math.ceil(b.length / unit)) * unit);

export function expectLength(b, n, what) {
	if (b.length !== n) throw new Error(`${what}: ${b.length} bytes, not ${n}`);
	return b;
}

export function compare(a, b) {
	return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export function xor(a, b) {
	if (a.length !== b.length) throw new RangeError('xor of different lengths');
	return a.map((v, i) => v ^ b[i]);
}
