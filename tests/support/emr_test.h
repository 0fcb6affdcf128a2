/* Every cmocka test includes this header: the headers cmocka wants, in its order, those of files,
 * and our assertions. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/status.h"

/* Compares texts, so that a failure reads `"access denied" != "ok"`. */
#define assert_status(expected, call)                                                              \
	assert_string_equal(emr_status_text(call), emr_status_text(expected))
#define assert_ok(call) assert_status(EMR_OK, call)

/* TEST(its_sentence) { ... } is a test, and TEST_IN(begin, end, its_sentence) { ... } one between
 * two others; `state` is theirs as cmocka has it. TESTS(begin, end), at the end of the file, is a
 * main() that runs those of its file in their order, between two that may be NULL, or those alone
 * that its argument names, as cmocka's filter has it. */
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
/* AROUND(name) { ... } is a function for the beginning or the end of those two; AROUND_BY(name,
 * statement) is one that does no more than that. */
#define AROUND(name)                                                                               \
	static void name##_does(void);                                                             \
	static int name(void **state __attribute__((unused)))                                      \
	{                                                                                          \
		name##_does();                                                                     \
		return 0;                                                                          \
	}                                                                                          \
	static void name##_does(void)
#define AROUND_BY(name, statement)                                                                 \
	AROUND(name)                                                                               \
	{                                                                                          \
		statement;                                                                         \
	}
#define emr_tests_run_named(group, begin, end)                                                     \
	_cmocka_run_group_tests(group, emr_tests, emr_tests_n, begin, end)
#define emr_tests_run(begin, end) emr_tests_run_named("tests", begin, end)
#define TESTS(begin, end)                                                                          \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		if (argc > 1)                                                                      \
			cmocka_set_test_filter(argv[1]);                                           \
		return emr_base_init() == EMR_OK ? emr_tests_run(begin, end) : 1;                  \
	}

/* The function NAME of the program, which returns TYPE, is what follows (the linker's --wrap);
 * __real_NAME is the one that it was. */
#define WRAPPED(type, name, ...)                                                                   \
	type __real_##name(__VA_ARGS__);                                                           \
	type __wrap_##name(__VA_ARGS__);                                                           \
	type __wrap_##name(__VA_ARGS__)

/* AUTO(end) before a local: END, a function of its address, is called when the test is over. */
#define AUTO(end) __attribute__((cleanup(end), unused))
/* AUTO_OF(end, type) makes auto_END for AUTO where END takes a TYPE itself, not its address. */
#define AUTO_OF(end, type)                                                                         \
	static inline void auto_##end(type *it)                                                    \
	{                                                                                          \
		end(*it);                                                                          \
	}

/* SCENE(type, name, begin, end) is a local NAME that BEGIN, a function of its address, makes ready,
 * and END puts away when the test is over. SCENE_OF has what BEGIN takes besides. */
#define SCENE(type, name, begin, end)                                                              \
	AUTO(end) type name;                                                                       \
	begin(&name)
#define SCENE_OF(type, name, end, begin, ...)                                                      \
	AUTO(end) type name;                                                                       \
	begin(&name, __VA_ARGS__)

/* The text that printf would print, for an argument: it stays until the thread has had sixteen
 * more. */
__attribute__((format(printf, 1, 2))) static inline const char *printed(const char *format, ...)
{
	static _Thread_local char texts[16][4096];
	static _Thread_local unsigned n;
	char *text = texts[n++ % 16];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof texts[0], format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof texts[0])
		abort();
	return text;
}

/* The addresses or names of nodes, as the argument of a function. */
#define NODES(...) ((const char *const[]){__VA_ARGS__})

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
