/* This header declares what the folder shows of what its owner shares: the attributes shared-with
 * and grant.WHO, and the directory shared-by-me. The folder itself knows no people; the caller that
 * opens it gives these functions. They refuse to wait: they look at what is known here, and write
 * down what is wanted.
 *
 * Called without any lock, from any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/id.h"

/* One share: WHO sees what lies at PATH (from the top), the root of DOMAIN.  The texts are valid
 * during the call. */
typedef emr_status (*emr_giving_fn)(void *arg, const char *who, const char *path, emr_id16 domain);

typedef struct emr_giving {
	/* Another number when `list` may say something else. */
	uint64_t (*generation)(void *arg);
	emr_status (*list)(void *arg, emr_giving_fn fn, void *fn_arg);
	/* The value of shared-with for what lies in DOMAIN; empty: private. */
	emr_status (*shared_with)(void *arg, emr_id16 domain, emr_buf *out);
	/* grant.WHO of the root of DOMAIN.  EMR_NO_ATTRIBUTE: WHO has nothing of it. */
	emr_status (*get)(void *arg, emr_id16 domain, const char *who, emr_buf *out);
	/* Shares PATH with WHO.  IS_CONFIRMED: the person who set it had the code of PATH; without
	 * it only what gives no more than WHO has there is taken (EMR_FORBIDDEN).  EMR_NOT_FOUND:
	 * nobody is known by that name; EMR_INVALID: the value; EMR_UNSUPPORTED: PATH or that right
	 * cannot be shared; EMR_FORBIDDEN. */
	emr_status (*set)(
		void *arg, const char *path, const char *who, emr_bytes value, bool is_confirmed);
	/* Ends it.  EMR_NO_ATTRIBUTE. */
	emr_status (*remove)(void *arg, emr_id16 domain, const char *path, const char *who);
	/* A rename of FROM to TO was refused, because the people of IDS (emr_id32, ...; as grants
	 * name them) would see it then. */
	void (*would_share)(void *arg, const char *from, const char *to, emr_bytes ids);
} emr_giving;
