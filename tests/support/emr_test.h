/* What every cmocka test includes: the headers cmocka wants, in its order, and our assertions. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"

/* Compares texts, so that a failure reads `"access denied" != "ok"`. */
#define assert_status(expected, call)                                                              \
	assert_string_equal(emr_status_text(call), emr_status_text(expected))
#define assert_ok(call) assert_status(EMR_OK, call)

/* clang says by a feature what gcc says by a macro. */
#if defined __has_feature
#if __has_feature(address_sanitizer) && !defined __SANITIZE_ADDRESS__
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

/* How many of something a test makes to see what it costs: N, and a tenth of that under a
 * sanitizer, where each takes ten times as long and the question is what it touches. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define EMR_MANY(n) ((n) / 10)
#else
#define EMR_MANY(n) (n)
#endif
