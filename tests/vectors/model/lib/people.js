// The people of the ledger story. Every byte that is random in real life comes from a label here.
import { ascii, cat, u8, u32 } from './bytes.js';
import { fromLE, scalarBytes, sha256, sha512, ELL } from './prim.js';
import * as K from './keys.js';

/** n repeatable bytes for a label: SHA-256("emrfs vectors " ‖ label ‖ u32 i), i = 0, 1, .. */
export function rnd(label, n) {
	const pieces = [];
	for (let i = 0; i * 32 < n; i++) pieces.push(sha256(ascii(`emrfs vectors ${label}`), u32(i)));
	return cat(pieces).slice(0, n);
}
export const rndScalar = (label) => fromLE(sha512(ascii(`emrfs vectors ${label}`))) % ELL;

export function person(seed, netId) {
	const sign = K.sign(seed, 1);
	return { seed, sign, id: sha256(sign.pk), box: K.boxKey(seed, 1), pre: K.preKey(seed, 1), log: K.logKey(seed, netId) };
}
export const personJson = (name, p, h) => ({
	name, seed: h(p.seed), sign_seed: h(p.sign.seed), sign_pk: h(p.sign.pk), signer_id: h(p.id), box_sk: h(p.box.sk), box_pk: h(p.box.pk),
	pre_sk: h(p.pre.secretBytes), pre_pk: h(p.pre.pk), log_seed: h(p.log.seed), log_pk: h(p.log.pk),
});
