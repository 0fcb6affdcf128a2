// RFC 6962 trees: root and inclusion proofs, straight from the RFC's recursive definitions.
import { ascii, u8 } from './bytes.js';
import { sha256 } from './prim.js';

export const leafHash = (...parts) => sha256(u8(0), ...parts);
export const nodeHash = (l, r) => sha256(u8(1), l, r);

function split(n) {
	let k = 1;
	while (k * 2 < n) k *= 2;
	return k;
}
/** Root over leaf hashes; the empty tree is SHA-256(""). */
export function root(leaves) {
	if (leaves.length === 0) return sha256(ascii(''));
	if (leaves.length === 1) return leaves[0];
	const k = split(leaves.length);
	return nodeHash(root(leaves.slice(0, k)), root(leaves.slice(k)));
}
export function inclusion(m, leaves) {
	if (leaves.length <= 1) return [];
	const k = split(leaves.length);
	return m < k
		? [...inclusion(m, leaves.slice(0, k)), root(leaves.slice(k))]
		: [...inclusion(m - k, leaves.slice(k)), root(leaves.slice(0, k))];
}
/** Roots of the maximal full subtrees, left to right: what a log keeps to append. */
export function frontier(leaves) {
	const out = [];
	for (let at = 0, n = leaves.length; n > 0; ) {
		let k = 1;
		while (k * 2 <= n) k *= 2;
		out.push(root(leaves.slice(at, at + k)));
		at += k;
		n -= k;
	}
	return out;
}
