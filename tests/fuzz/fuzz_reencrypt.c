/* This fuzz target reads any bytes as capsules, fragments and answers of proxy re-encryption: bytes
 * that no key made do not verify. */
#include <stdlib.h>
#include <string.h>

#include "crypto/pre.h"
#include "crypto/reencrypt.h"

#define INPUT_BYTES (sizeof(emr_pre_bond) + sizeof(emr_pre_kfrag) + 96 + EMR_PRE_CFRAG_BYTES)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	EMR_AUTO_SECRET b = {0};
	EMR_AUTO_SECRET k = {0};
	emr_pre_bond bond;
	emr_pre_kfrag frag;
	emr_pre_share share;
	uint8_t bytes[INPUT_BYTES] = {0};
	const uint8_t *capsule = bytes + sizeof bond + sizeof frag;
	uint8_t none[32] = {1};
	uint8_t pk[32] = {1};
	uint8_t out[EMR_PRE_CFRAG_BYTES];

	if (emr_base_init() != EMR_OK || emr_secret_random(32, &b) != EMR_OK)
		abort();
	b.data[31] &= 0x0f; /* canonical */
	memcpy(bytes, data, size < sizeof bytes ? size : sizeof bytes);
	memcpy(&bond, bytes, sizeof bond);
	memcpy(&frag, bytes + sizeof bond, sizeof frag);
	memcpy(share.agent_id, frag.agent_id, 32);
	memcpy(share.cfrag, capsule + 96, sizeof share.cfrag);
	if (emr_pre_kfrag_check(pk, &bond, &frag) == EMR_OK ||
		emr_pre_kfrag_verify(pk, &bond, &frag, &b) == EMR_OK ||
		emr_pre_cfrag_verify(pk, &bond, &frag, capsule, none, share.cfrag) == EMR_OK ||
		emr_pre_reencapsulate(&b, frag.U, none, none, capsule, none, out) == EMR_OK ||
		emr_pre_combine(&b, bond.B, bond.A, bond.X, none, capsule, &share, 1, &k) == EMR_OK)
		abort();
	return 0;
}
