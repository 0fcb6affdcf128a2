/* Every cmocka test includes this header: the headers cmocka wants, in its order, and our
 * assertions. */
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

/* TEST(its_sentence) { ... } is a test, and TEST_IN(begin, end, its_sentence) { ... } one between
 * two others; `state` is theirs as cmocka has it. TESTS(begin, end), at the end of the file, is a
 * main() that runs those of its file in their order, between two that may be NULL. */
static struct CMUnitTest emr_tests[256] __attribute__((unused));
static size_t emr_tests_n __attribute__((unused));

#define TEST_IN(begin, end, name)                                                                  \
	static void name(void **state);                                                            \
	__attribute__((constructor)) static void list_##name(void)                                 \
	{                                                                                          \
		if (emr_tests_n == sizeof emr_tests / sizeof *emr_tests)                           \
			abort();                                                                   \
		emr_tests[emr_tests_n++] = (struct CMUnitTest){#name, name, begin, end, NULL};     \
	}                                                                                          \
	static void name(void **state __attribute__((unused)))
#define TEST(name) TEST_IN(NULL, NULL, name)
#define emr_tests_run_named(group, begin, end)                                                     \
	_cmocka_run_group_tests(group, emr_tests, emr_tests_n, begin, end)
#define emr_tests_run(begin, end) emr_tests_run_named("tests", begin, end)
#define TESTS(begin, end)                                                                          \
	int main(void)                                                                             \
	{                                                                                          \
		return emr_tests_run(begin, end);                                                  \
	}

/* AUTO(end) before a local: END, a function of its address, is called when the test is over. */
#define AUTO(end) __attribute__((cleanup(end)))

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
