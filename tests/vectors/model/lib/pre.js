// Proxy re-encryption, scheme id 1: a threshold KEM on ristretto255 whose capsule is bound to a context.
import { ascii, cat, u8, u32, u64 } from './bytes.js';
import {
	Point, edSign, ed25519, fromLE, hkdf512, inverse, mod, mulBase, readPoint, readScalar,
	ristretto255_hasher, scalarBytes, sha256, sha512, xchachaPoly, ELL,
} from './prim.js';
import { zeros } from './bytes.js';

export function H512(tag, ...parts) {
	const t = ascii(tag);
	return sha512(ascii('emrfs-pre-v1\0'), u8(t.length), t, ...parts);
}
export function HS(tag, ...parts) {
	const v = fromLE(H512(tag, ...parts)) % ELL;
	if (v === 0n) throw new Error('HS gave zero');
	return v;
}
/** The labelled test inputs X_i of the known answers. */
export const kat = (label, i) => HS('kat', ascii(label), u8(i));
export const katBytes = (label, i) => scalarBytes(kat(label, i));

export const U = ristretto255_hasher.deriveToCurve
	? ristretto255_hasher.deriveToCurve(H512('U'))
	: ristretto255_hasher.hashToRistretto255(H512('U'));

export function context({ domain, epoch, record, cver, kind, digest }) {
	return sha256(ascii('emrfs/v1/ctx'), domain, u32(epoch), record, u64(cver), u8(kind), digest);
}

const kem = (A, ctx, E, V, S) => H512('kem', A, ctx, E, V, S).slice(0, 32);

export function encapsulate(A, ctx, r, u) {
	const E = mulBase(r).toBytes();
	const V = mulBase(u).toBytes();
	const h = HS('capsule', A, ctx, E, V);
	const s = mod(u + r * h);
	const S = readPoint(A).multiply(mod(r + u)).toBytes();
	return { E, V, h, s: scalarBytes(s), S, K: kem(A, ctx, E, V, S), capsule: cat(E, V, scalarBytes(s)) };
}

export function checkCapsule(A, ctx, capsule) {
	const [Eb, Vb, sb] = [capsule.slice(0, 32), capsule.slice(32, 64), capsule.slice(64, 96)];
	const E = readPoint(Eb);
	const V = readPoint(Vb);
	const s = readScalar(sb);
	const h = HS('capsule', A, ctx, Eb, Vb);
	if (s === 0n || !mulBase(s).equals(V.add(E.multiply(h)))) throw new Error('capsule check');
	return { E, V, Eb, Vb, s, h };
}

export function decapsulate(a, A, ctx, capsule) {
	const { E, V, Eb, Vb } = checkCapsule(A, ctx, capsule);
	return kem(A, ctx, Eb, Vb, E.add(V).multiply(a).toBytes());
}

const index = (A, B, X, D, id) => HS('index', A, B, X, D, id);

export function kfrags({ a, A, B, ids, x, f, gctx, signSeed }) {
	const X = mulBase(x).toBytes();
	const D = readPoint(B).multiply(x).toBytes();
	const d = HS('dh', A, B, X, D);
	const coef = [mod(a * inverse(d)), ...f];
	const list = ids.map((id) => {
		const sigma = index(A, B, X, D, id);
		const rk = coef.reduceRight((acc, c) => mod(acc * sigma + c), 0n);
		const Ui = U.multiply(rk).toBytes();
		const sig = edSign(signSeed, ascii('emrfs-kfrag-v1\0'), gctx, A, B, X, id, Ui);
		return { id, rk, X, U: Ui, A, B, gctx, sig };
	});
	return { X, D, d, list };
}

export function verifyKfrag(k, signPk) {
	if (!U.multiply(k.rk).equals(readPoint(k.U))) throw new Error('kfrag U');
	verifyKfragSig(k, signPk);
}
function verifyKfragSig(k, signPk) {
	const msg = cat(ascii('emrfs-kfrag-v1\0'), k.gctx, k.A, k.B, k.X, k.id, k.U);
	if (!ed25519.verify(k.sig, msg, signPk)) throw new Error('kfrag signature');
}

export function reencapsulate(k, capsule, ctx, req, rnd) {
	const { E, V, Eb, Vb } = checkCapsule(k.A, ctx, capsule);
	const E1 = E.multiply(k.rk).toBytes();
	const V1 = V.multiply(k.rk).toBytes();
	const tau = HS('nonce', scalarBytes(k.rk), Eb, Vb, req, rnd);
	const hp = HS('cfrag', Eb, Vb, E1, V1, k.U, E.multiply(tau).toBytes(), V.multiply(tau).toBytes(),
		U.multiply(tau).toBytes(), req);
	const z = mod(tau + hp * k.rk);
	return { E1, V1, h: scalarBytes(hp), z: scalarBytes(z), cfrag: cat(E1, V1, scalarBytes(hp), scalarBytes(z)) };
}

export function verifyCfrag(k, signPk, capsule, cfrag, req) {
	verifyKfragSig(k, signPk);
	const [Eb, Vb] = [capsule.slice(0, 32), capsule.slice(32, 64)];
	const [E1b, V1b] = [cfrag.slice(0, 32), cfrag.slice(32, 64)];
	const hp = readScalar(cfrag.slice(64, 96));
	const z = readScalar(cfrag.slice(96, 128));
	const part = (P, Q) => mulAny(P, z).subtract(mulAny(Q, hp)).toBytes();
	const again = HS('cfrag', Eb, Vb, E1b, V1b, k.U, part(readPoint(Eb), readPoint(E1b)),
		part(readPoint(Vb), readPoint(V1b)), part(U, readPoint(k.U)), req);
	if (again !== hp) throw new Error('cfrag proof');
}
const mulAny = (P, s) => (s === 0n ? Point.ZERO : P.multiply(s));

export function combine({ b, A, B, X, capsule, ctx, frags }) {
	const { Eb, Vb, s, h } = checkCapsule(A, ctx, capsule);
	const D = readPoint(X).multiply(b).toBytes();
	const d = HS('dh', A, B, X, D);
	const sigmas = frags.map((f) => index(A, B, X, D, f.id));
	if (new Set(sigmas).size !== sigmas.length) throw new Error('equal indices');
	let E1 = Point.ZERO;
	let V1 = Point.ZERO;
	frags.forEach((f, i) => {
		let lambda = 1n;
		sigmas.forEach((sj, j) => {
			if (j !== i) lambda = mod(lambda * sj * inverse(mod(sj - sigmas[i])));
		});
		E1 = E1.add(readPoint(f.cfrag.slice(0, 32)).multiply(lambda));
		V1 = V1.add(readPoint(f.cfrag.slice(32, 64)).multiply(lambda));
	});
	const left = readPoint(A).multiply(mod(s * inverse(d)));
	if (!left.equals(V1.add(E1.multiply(h)))) throw new Error('combine check');
	return kem(A, ctx, Eb, Vb, E1.add(V1).multiply(d).toBytes());
}

export const kek = (K, Kpq, ctx) => hkdf512(ascii('emrfs/v1/kek'), cat(K, Kpq), ctx, 32);
export const wrapDek = (KEK, ctx, DEK) => xchachaPoly(KEK, zeros(24), ctx, DEK);

/** Proof of possession of b: e ‖ z. */
export function pop(b, k, netId, signerId) {
	const B = mulBase(b).toBytes();
	const e = HS('pop', B, mulBase(k).toBytes(), netId, signerId);
	return cat(scalarBytes(e), scalarBytes(k + e * b));
}
export function verifyPop(B, proof, netId, signerId) {
	const e = readScalar(proof.slice(0, 32));
	const z = readScalar(proof.slice(32, 64));
	const R = mulAny(Point.BASE, z).subtract(mulAny(readPoint(B), e)).toBytes();
	if (HS('pop', B, R, netId, signerId) !== e) throw new Error('pop');
}
export const mulBaseBytes = (s) => mulBase(s).toBytes();
