/* This program measures what one operation of sharing costs on this machine: the best of several
 * rounds, in microseconds, beside what the design counted on. It decides nothing: numbers are
 * for people. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/hpke.h"
#include "crypto/pre.h"
#include "crypto/r255.h"
#include "crypto/reencrypt.h"

#define ROUNDS 5
#define CALLS 100
#define AGENTS 5

static emr_secret a, b, x25519_sk;
static uint8_t A[32], B[32], X[AGENTS + 1][32], ctx[32], gctx[32], req[32], capsule[96];
static uint8_t x25519_pk[32], letter[80], owner_pk[32], owner_sk[64];
static emr_pre_kfrag frags[AGENTS + 1][AGENTS];
static emr_pre_share shares[AGENTS + 1][AGENTS];
static emr_secret rk[AGENTS + 1][AGENTS];
static unsigned threshold, agents; /* of the fragments being made or combined */

static void must(emr_status status)
{
	if (status != EMR_OK) {
		fprintf(stderr, "bench: %s\n", emr_status_text(status));
		exit(1);
	}
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static emr_pre_bond bond_of(unsigned t)
{
	emr_pre_bond bond;

	memcpy(bond.A, A, 32);
	memcpy(bond.B, B, 32);
	memcpy(bond.gctx, gctx, 32);
	memcpy(bond.X, X[t], 32);
	return bond;
}

/* ---- The operations ---- */

static void multiply(void)
{
	uint8_t out[32];

	if (!emr_r255_mul(a.data, B, out))
		must(EMR_INVALID);
}

static void encapsulate(void)
{
	EMR_AUTO_SECRET r = {0};
	EMR_AUTO_SECRET u = {0};
	EMR_AUTO_SECRET k = {0};

	must(emr_pre_hedged(&a, ctx, &r, &u));
	must(emr_pre_encapsulate(A, NULL, ctx, &r, &u, capsule, &k));
}

static void check_capsule(void)
{
	must(emr_pre_capsule_check(A, ctx, capsule));
}

static void decapsulate(void)
{
	EMR_AUTO_SECRET k = {0};

	must(emr_pre_decapsulate(&a, ctx, capsule, &k));
}

static void cut(void)
{
	emr_secret made[AGENTS] = {{0}};
	emr_pre_kfrag out[AGENTS];
	emr_pre_bond bond = bond_of(threshold);

	memcpy(out, frags[threshold], sizeof out);
	must(emr_pre_kfrags(&a, B, gctx, threshold, agents, out, bond.X, made));
	for (unsigned i = 0; i < agents; i++) {
		uint8_t message[15 + EMR_PRE_KFRAG_MESSAGE_BYTES] = "emrfs-kfrag-v1";

		emr_pre_kfrag_message(&bond, &out[i], message + 15);
		crypto_sign_detached(out[i].sig, NULL, message, sizeof message, owner_sk);
		emr_secret_free(&made[i]);
	}
}

static void verify_kfrag(void)
{
	emr_pre_bond bond = bond_of(2);

	must(emr_pre_kfrag_verify(owner_pk, &bond, &frags[2][0], &rk[2][0]));
}

static void reencapsulate(void)
{
	uint8_t cfrag[EMR_PRE_CFRAG_BYTES];

	must(emr_pre_reencapsulate(&rk[2][0], frags[2][0].U, A, ctx, capsule, req, cfrag));
}

static void verify_cfrag(void)
{
	emr_pre_bond bond = bond_of(2);

	must(emr_pre_cfrag_verify(owner_pk, &bond, &frags[2][0], capsule, req, shares[2][0].cfrag));
}

static void combine(void)
{
	EMR_AUTO_SECRET k = {0};

	must(emr_pre_combine(
		&b, B, A, X[threshold], ctx, capsule, shares[threshold], threshold, &k));
}

static void seal(void)
{
	uint8_t plain[32] = {1};

	must(emr_hpke_seal(x25519_pk, emr_bytes_of("emrfs/v1/kfrag", 14), (emr_bytes){0},
		emr_bytes_of(plain, 32), letter));
}

static void open_letter(void)
{
	uint8_t plain[32];

	must(emr_hpke_open(&x25519_sk, emr_bytes_of("emrfs/v1/kfrag", 14), (emr_bytes){0},
		emr_bytes_of(letter, 80), plain));
}

/* ---- The table ---- */

typedef struct operation {
	const char *name;
	void (*run)(void);
	unsigned t, n;
	double counted_us; /* the upper end of what the design measured; 0 = not stated */
} operation;

static const operation operations[] = {
	{"scalar times point", multiply, 0, 0, 42},
	{"encapsulate", encapsulate, 0, 0, 70},
	{"capsule check", check_capsule, 0, 0, 62},
	{"decapsulate", decapsulate, 0, 0, 105},
	{"fragments, 1 of 1", cut, 1, 1, 115},
	{"fragments, 2 of 3", cut, 2, 3, 208},
	{"fragments, 3 of 5", cut, 3, 5, 310},
	{"fragment check by the agent", verify_kfrag, 0, 0, 79},
	{"conversion with proof", reencapsulate, 0, 0, 272},
	{"proof check", verify_cfrag, 0, 0, 360},
	{"combine 1", combine, 1, 0, 336},
	{"combine 2", combine, 2, 0, 448},
	{"combine 3", combine, 3, 0, 556},
	{"letter sealed", seal, 0, 0, 88},
	{"letter opened", open_letter, 0, 0, 41},
};

static double best_us(const operation *one)
{
	double best = 1e9;

	threshold = one->t;
	agents = one->n;
	for (int round = 0; round < ROUNDS; round++) {
		double start = now_us();
		double each;

		for (int i = 0; i < CALLS; i++)
			one->run();
		each = (now_us() - start) / CALLS;
		best = each < best ? each : best;
	}
	return best;
}

static void set_up(void)
{
	EMR_AUTO_SECRET wide = {0};

	must(emr_base_init());
	must(emr_secret_random(64, &wide));
	must(emr_pre_scalar(&wide, &a));
	randombytes_buf(wide.data, 64);
	must(emr_pre_scalar(&wide, &b));
	must(emr_pre_public(&a, A));
	must(emr_pre_public(&b, B));
	must(emr_secret_random(32, &x25519_sk));
	must(emr_x25519_public(&x25519_sk, x25519_pk));
	crypto_sign_keypair(owner_pk, owner_sk);
	encapsulate();
	seal();
}

/* Fragments t of n = t and their answers, for t = 1, 2, 3. */
static void set_up_fragments(unsigned t)
{
	emr_pre_bond bond;

	for (unsigned i = 0; i < AGENTS; i++)
		memset(frags[t][i].agent_id, (int)i + 1, 32);
	must(emr_pre_kfrags(&a, B, gctx, t, AGENTS, frags[t], X[t], rk[t]));
	bond = bond_of(t);
	for (unsigned i = 0; i < AGENTS; i++) {
		uint8_t message[15 + EMR_PRE_KFRAG_MESSAGE_BYTES] = "emrfs-kfrag-v1";

		emr_pre_kfrag_message(&bond, &frags[t][i], message + 15);
		crypto_sign_detached(frags[t][i].sig, NULL, message, sizeof message, owner_sk);
		memcpy(shares[t][i].agent_id, frags[t][i].agent_id, 32);
		must(emr_pre_reencapsulate(
			&rk[t][i], frags[t][i].U, A, ctx, capsule, req, shares[t][i].cfrag));
	}
}

int main(void)
{
	double took[sizeof operations / sizeof operations[0]];

	set_up();
	for (unsigned t = 1; t <= 3; t++)
		set_up_fragments(t);
	printf("| operation | us | counted on | ratio |\n|---|---|---|---|\n");
	for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
		/* A new capsule would leave the answers behind: encapsulate keeps its own. */
		uint8_t kept[96];

		memcpy(kept, capsule, sizeof kept);
		took[i] = best_us(&operations[i]);
		memcpy(capsule, kept, sizeof kept);
		printf("| %s | %.1f | %.0f | %.2f |\n", operations[i].name, took[i],
			operations[i].counted_us, took[i] / operations[i].counted_us);
	}
	printf("\nAn agent's processor time for 1,000 conversions: %.3f s (0.272 s counted on).\n",
		took[8] / 1000);
	return 0;
}
