/* This file cuts a secret number into shares, checks one, and puts it together again. */
#include "crypto/pre.h"

#include <string.h>

#include "crypto/r255.h"

static bool is_place(unsigned at)
{
	return at >= 1 && at <= EMR_SHAMIR_MAX;
}

emr_status emr_shamir_share(const emr_secret *f, unsigned t, unsigned at, emr_secret *out_share)
{
	const uint8_t x[32] = {(uint8_t)at};
	EMR_AUTO_SECRET y = {0};
	bool good = true;

	if (t < 1 || t > EMR_SHAMIR_MAX || !is_place(at))
		return EMR_INVALID;
	EMR_TRY(emr_secret_new(32, &y));
	memcpy(y.data, f[t - 1].data, 32);
	for (unsigned j = t - 1; j > 0 && good; j--) /* Horner's rule */
		good = emr_r255_scalar_mul(y.data, x, y.data) &&
		       emr_r255_scalar_add(y.data, f[j - 1].data, y.data);
	if (!good)
		return EMR_INVALID;
	*out_share = y;
	y = (emr_secret){0};
	return EMR_OK;
}

bool emr_shamir_fits(
	const uint8_t (*commitments)[32], unsigned t, unsigned at, const emr_secret *share)
{
	const uint8_t x[32] = {(uint8_t)at};
	uint8_t sum[32], point[32];
	bool good = t >= 1 && t <= EMR_SHAMIR_MAX && is_place(at) && share->len == 32 &&
		    emr_r255_mul_base(share->data, point);

	if (good)
		memcpy(sum, commitments[t - 1], 32);
	for (unsigned j = t - 1; j > 0 && good; j--)
		good = emr_r255_mul(x, sum, sum) && emr_r255_add(sum, commitments[j - 1], sum);
	return good && memcmp(sum, point, 32) == 0;
}

/* OUT = the product of x_j / (x_j - x_i) over all other places; false where two meet. */
static bool weight_of(const uint8_t *at, unsigned n, unsigned i, uint8_t out[32])
{
	const uint8_t x_i[32] = {at[i]};
	uint8_t below[32] = {1};
	bool good = is_place(at[i]);

	memset(out, 0, 32);
	out[0] = 1;
	for (unsigned j = 0; j < n && good; j++) {
		const uint8_t x_j[32] = {at[j]};
		uint8_t difference[32];

		good = j == i || (at[j] != at[i] && emr_r255_scalar_sub(x_j, x_i, difference) &&
					 emr_r255_scalar_mul(below, difference, below) &&
					 emr_r255_scalar_mul(out, x_j, out));
	}
	return good && emr_r255_scalar_invert(below, below) && emr_r255_scalar_mul(out, below, out);
}

emr_status emr_shamir_combine(
	const uint8_t *at, const emr_secret *shares, unsigned n, emr_secret *out)
{
	EMR_AUTO_SECRET sum = {0};
	EMR_AUTO_SECRET term = {0};
	uint8_t weight[32];

	if (n < 1 || n > EMR_SHAMIR_MAX)
		return EMR_INVALID;
	EMR_TRY(emr_secret_new(32, &sum));
	EMR_TRY(emr_secret_new(32, &term));
	for (unsigned i = 0; i < n; i++)
		if (shares[i].len != 32 || !weight_of(at, n, i, weight) ||
			!emr_r255_scalar_mul(weight, shares[i].data, term.data) ||
			!emr_r255_scalar_add(sum.data, term.data, sum.data))
			return EMR_INVALID;
	*out = sum;
	sum = (emr_secret){0};
	return EMR_OK;
}
