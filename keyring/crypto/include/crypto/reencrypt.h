/* The threshold half of re-encryption scheme 1: an owner cuts a key into fragments, t of n agents
 * convert a capsule for one grantee with a proof each, the grantee combines.  It refuses points and
 * scalars that are not canonical, fragments of another grant or owner, and answers to another
 * request.
 *
 * Source: D. Nunez, "Umbral: a threshold proxy re-encryption scheme" (2018), ReKeyGen,
 * ReEncapsulate and DecapsulateFrags; ported to ristretto255 (RFC 9496).  The proof of a conversion
 * is Chaum and Pedersen's equality of logarithms with the Fiat-Shamir transform, in the short form
 * (h', z); shares are Shamir's.  Ours beside Umbral: A, the context and the request stand in the
 * hashes; one Ed25519 signature of the owner binds a fragment.
 *
 * All functions are thread-safe.  Secrets come and go as emr_secret; what is computed between lies
 * in locked memory too, and is wiped.  Outputs are untouched unless EMR_OK. */
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

#define EMR_PRE_CFRAG_BYTES 128 /* E1 || V1 || h' || z */
#define EMR_PRE_AGENTS_MAX 16
#define EMR_PRE_KFRAG_MESSAGE_BYTES 192

/* The values that all fragments of one grant in one epoch have in common. */
typedef struct emr_pre_bond {
	uint8_t A[32];	  /* public key of the domain's epoch */
	uint8_t B[32];	  /* public key of the grantee */
	uint8_t gctx[32]; /* hash of the grant's terms */
	uint8_t X[32];	  /* xG, made new for every set of fragments */
} emr_pre_bond;

/* The public half of one fragment: enough to check what its agent answers. */
typedef struct emr_pre_kfrag {
	uint8_t agent_id[32];
	uint8_t U[32];	 /* rk U */
	uint8_t sig[64]; /* of the owner, over emr_pre_kfrag_message */
} emr_pre_kfrag;

/* n fragments of which any t convert: x <- Z*, X = xG, D = xB, d = HS("dh", A, B, X, D), f0 = a /
 * d, f1..f(t-1) <- Z*, sigma_i = HS("index", A, B, X, D, id_i), rk_i = f(sigma_i), U_i = rk_i U.  x
 * and f are hedged: HS("kfrag-x", rand32, a, B, gctx) and HS("kfrag-f", rand32, a, B, gctx, u8 j),
 * so that a broken generator does not show them.  Reads agent_id of each FRAGS[i], writes its U;
 * sig is the caller's to make.  OUT_RK[i] is a fresh secret (the caller frees all n).  EMR_INVALID:
 * t, n out of 1 <= t <= n <= 16, two equal agents, or B no valid point. */
emr_status emr_pre_kfrags(const emr_secret *a, const uint8_t B[32], const uint8_t gctx[32],
	unsigned t, unsigned n, emr_pre_kfrag *frags, uint8_t out_X[32], emr_secret *out_rk);

/* The bytes that the owner signs after the label "emrfs-kfrag-v1\0": gctx || A || B || X || id ||
 * U. */
void emr_pre_kfrag_message(const emr_pre_bond *bond, const emr_pre_kfrag *frag,
	uint8_t out[EMR_PRE_KFRAG_MESSAGE_BYTES]);
/* The public half: valid points, and the owner's signature (OWNER_PK is Ed25519).  EMR_DAMAGED,
 * EMR_BAD_SIGNATURE. */
emr_status emr_pre_kfrag_check(
	const uint8_t owner_pk[32], const emr_pre_bond *bond, const emr_pre_kfrag *frag);
/* The same, and rk U == U: what an agent does once with what it received. */
emr_status emr_pre_kfrag_verify(const uint8_t owner_pk[32], const emr_pre_bond *bond,
	const emr_pre_kfrag *frag, const emr_secret *rk);

/* Checks the capsule (before RK touches it), then E1 = rk E, V1 = rk V and the proof: tau =
 * HS("nonce", rk, E, V, req, rand32), h' = HS("cfrag", E, V, E1, V1, U, tau E, tau V, tau U, req),
 * z = tau + h' rk. U is the fragment's own.  REQ is the id of the request that is answered, so the
 * answer is evidence of which one it was.  EMR_DAMAGED for a capsule that was not made for A and
 * CTX. */
emr_status emr_pre_reencapsulate(const emr_secret *rk, const uint8_t U[32], const uint8_t A[32],
	const uint8_t ctx[32], const uint8_t capsule[96], const uint8_t req[32],
	uint8_t out_cfrag[EMR_PRE_CFRAG_BYTES]);
/* The owner's signature on FRAG, and h' == HS("cfrag", E, V, E1, V1, U, zE - h'E1, zV - h'V1,
 * zU - h'U, req).  EMR_BAD_SIGNATURE: the fragment is not of this bond; EMR_DAMAGED: the proof does
 * not fit capsule and request.  The capsule itself was checked by the code that read it. */
emr_status emr_pre_cfrag_verify(const uint8_t owner_pk[32], const emr_pre_bond *bond,
	const emr_pre_kfrag *frag, const uint8_t capsule[96], const uint8_t req[32],
	const uint8_t cfrag[EMR_PRE_CFRAG_BYTES]);

/* One agent's answer, as combine takes it. */
typedef struct emr_pre_share {
	uint8_t agent_id[32];
	uint8_t cfrag[EMR_PRE_CFRAG_BYTES];
} emr_pre_share;

/* Any t answers made with fragments of the same X, in any order, to the key K of the capsule, with
 * B = bG: D = bX, d and sigma_i as above, lambda_i = prod_{j != i} sigma_j / (sigma_j - sigma_i),
 * E' = sum lambda_i E1_i, V' likewise; checks (s / d) A == V' + hE'; S = d (E' + V'), K =
 * H512("kem", A, ctx, E, V, S). EMR_INVALID: n out of 1..16 or two answers of one agent.
 * EMR_DAMAGED: the capsule, or the sum does not fit (too few, another grantee, epoch or X, or a
 * false answer). Proofs are not read here: one false answer can be made to pass the sum, but then K
 * is wrong and whatever K opens stays shut; run emr_pre_cfrag_verify on each to know who it was. */
emr_status emr_pre_combine(const emr_secret *b, const uint8_t B[32], const uint8_t A[32],
	const uint8_t X[32], const uint8_t ctx[32], const uint8_t capsule[96],
	const emr_pre_share *shares, unsigned n, emr_secret *out_k);
