/* A secret number is shared so that any T of N people find it again, and fewer learn nothing
 * (A. Shamir, How to share a secret, CACM 22, 1979), over the scalars of ristretto255 as in
 * RFC 9591, Appendix C; a share fits public commitments (P. Feldman, FOCS 1987). It refuses places
 * that are out of range or meet twice, and scalars and points that are not canonical.
 * Thread-safe. */
#pragma once

#include <stdbool.h>

#include "base/secret.h"

#define EMR_SHAMIR_MAX 16 /* people */

/* f(AT) of the polynomial with the T coefficients F, of which F[0] is the secret.  AT from 1 on. */
emr_status emr_shamir_share(const emr_secret *f, unsigned t, unsigned at, emr_secret *out_share);
/* Whether SHARE is f(AT), COMMITMENTS being f_j G. */
bool emr_shamir_fits(
	const uint8_t (*commitments)[32], unsigned t, unsigned at, const emr_secret *share);
/* f(0) of the polynomial through N shares, one at each place. */
emr_status emr_shamir_combine(
	const uint8_t *at, const emr_secret *shares, unsigned n, emr_secret *out);
