// Seed-derived keys, listing keys, safety number.
import { ascii, cat, compare, u32, u64, u8, u16, zeros } from './bytes.js';
import { edPublic, fromBE, fromLE, hkdf512, mulBase, p256, scalarBytes, sha256, sha512, xPublic, ELL } from './prim.js';

const SALT_ID = ascii('emrfs/v1/id');
const N_P256 = p256.Point.Fn.ORDER;
export const idKey = (seed, info, len) => hkdf512(SALT_ID, seed, info, len);

function ed(seed, info) {
	const s = idKey(seed, info, 32);
	return { seed: s, pk: edPublic(s) };
}
function box(seed, info) {
	const sk = idKey(seed, info, 32);
	return { sk, pk: xPublic(sk) };
}
function pre(seed, info) {
	const wide = idKey(seed, info, 64);
	const secret = fromLE(wide) % ELL;
	return { wide, secret, secretBytes: scalarBytes(secret), pk: mulBase(secret).toBytes() };
}
export const sign = (seed, gen) => ed(seed, cat(ascii('sign\0'), u32(gen)));
export const boxKey = (seed, gen) => box(seed, cat(ascii('box\0'), u32(gen)));
export const preKey = (seed, gen) => pre(seed, cat(ascii('pre\0'), u32(gen)));
export const logKey = (seed, netId) => ed(seed, cat(ascii('log\0'), netId));
export const domSign = (seed, dom, gen) => ed(seed, cat(ascii('dom-sign\0'), dom, u32(gen)));
export const domBox = (seed, dom) => box(seed, cat(ascii('dom-box\0'), dom));
export const domPre = (seed, dom, epoch) => pre(seed, cat(ascii('dom-pre\0'), dom, u32(epoch)));
export function p256Key(seed, index) {
	const wide = idKey(seed, cat(ascii('p256\0'), u32(index)), 48);
	const d = (fromBE(wide) % (N_P256 - 1n)) + 1n;
	const sk = Uint8Array.from(Buffer.from(d.toString(16).padStart(64, '0'), 'hex'));
	return { wide, sk, pk: p256.getPublicKey(sk, false) };
}
export const localKey = (seed, device) => idKey(seed, cat(ascii('local\0'), device), 32);
export const encSecret = (seed) => idKey(seed, ascii('enc\0'), 32);

export const copiesRoot = (seed) => idKey(seed, ascii('copies\0'), 32);
export const copiesSecret = (root, dataset) => idKey(root, cat(ascii('copies\0'), dataset), 32);

const SALT_LOCAL = ascii('emrfs/v1/local');
export const stagingKey = (local, id) => hkdf512(SALT_LOCAL, local, cat(ascii('staging\0'), id), 32);
export const localSub = (local, name) => hkdf512(SALT_LOCAL, local, ascii(`${name}\0`), 32);

const SALT_LIST = ascii('emrfs/v1/list');
export const listKey = (K, Kpq, ctx) => hkdf512(SALT_LIST, cat(K, Kpq), cat(ctx, ascii('key')), 32);
export const listCheck = (K, Kpq, ctx) => hkdf512(SALT_LIST, cat(K, Kpq), cat(ctx, ascii('check')), 32);
export const metaKey = (KL, object) => hkdf512(ascii('emrfs/v1/meta'), KL, object, 32);

export const signerId = (pk) => sha256(pk);

export function safetyNumber(a, b) {
	const [lo, hi] = compare(a, b) <= 0 ? [a, b] : [b, a];
	const h = sha512(ascii('emrfs/v1/safety\0'), lo, hi);
	return Array.from({ length: 12 }, (_, i) => String(fromBE(h.slice(5 * i, 5 * i + 5)) % 100000n).padStart(5, '0'))
		.join(' ');
}
