/* This file translates sentences into the reader's language, by gettext of the C library. Texts
 * for scripts are never translated. */
#include "kit/language.h"

#include <libintl.h>
#include <limits.h>
#include <locale.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DOMAIN "emrfs"

static bool has_begun; /* before there are threads */
static atomic_bool all_english;
static _Thread_local bool is_english;

static bool translates(void)
{
	return has_begun && !is_english &&
	       !atomic_load_explicit(&all_english, memory_order_relaxed);
}

/* As formats these are the caller's, which the compiler has checked there. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

const char *emr_text(const char *english)
{
	/* The empty text is the head of a catalogue. */
	return english[0] != '\0' && translates() ? dgettext(DOMAIN, english) : english;
}

const char *emr_text_errno(int error)
{
	const char *english = strerrordesc_np(error);

	if (english == NULL)
		return _("an unknown error");
	return translates() ? dgettext("libc", english) : english;
}

const char *emr_text_of(uint64_t n, const char *one, const char *many)
{
	/* Languages look at the last digits; a long may have 32 bits. */
	unsigned long count = (unsigned long)(n < 1000000 ? n : 1000000 + n % 1000000);

	if (!translates())
		return n == 1 ? one : many;
	return dngettext(DOMAIN, one, many, count);
}

const char *emr_text_in(const char *key, const char *english)
{
	const char *text = translates() ? dgettext(DOMAIN, key) : key;

	return text == key ? english : text;
}

#pragma GCC diagnostic pop

/* ---- words ---- */

#define WORD_AS(word, english)                                                                     \
	{                                                                                          \
		word, "a word that scripts read\004" word, english                                 \
	}
#define WORD(word) WORD_AS(word, word)

/* Rights, purposes, roles, states. */
static const struct {
	const char *word, *key, *english;
} words_known[] = {
	WORD("read"),
	WORD("write"),
	WORD("deposit"),
	WORD("guardian"),
	WORD("treatment"),
	WORD("emergency"),
	WORD("research"),
	WORD("payment"),
	WORD("family"),
	WORD("self"),
	WORD("legal"),
	WORD("patient"),
	WORD("clinician"),
	WORD("hospital"),
	WORD("researcher"),
	WORD("auditor"),
	WORD("agent"),
	WORD_AS("admin", "administrator"),
	WORD("device"),
	WORD("gateway"),
	WORD("pharmacist"),
	WORD("insurer"),
	WORD("authority"),
	WORD("registrar"),
	WORD("open"),
	WORD("over"),
	WORD("approved"),
	WORD("denied"),
	WORD("withdrawn"),
	WORD("expired"),
	WORD("revoked"),
	WORD("pending"),
	WORD("queued"),
	WORD("ending"),
	WORD("failed"),
	WORD("valid"),
	WORD("invalid"),
	WORD("embedded"),
	WORD("fabric"),
	WORD("made"),
	WORD("saved"),
	WORD("renamed"),
	WORD("changed"),
	WORD("deleted"),
	WORD("restored"),
	WORD("erased"),
};

static const char *word_of(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof words_known / sizeof *words_known; i++) {
		if (strlen(words_known[i].word) == len &&
			memcmp(words_known[i].word, word, len) == 0)
			return emr_text_in(words_known[i].key, words_known[i].english);
	}
	return NULL;
}

const char *emr_text_word_known(size_t index)
{
	return index < sizeof words_known / sizeof *words_known ? words_known[index].word : NULL;
}

const char *emr_text_word(const char *word)
{
	const char *text = word_of(word, strlen(word));

	return text != NULL ? text : word;
}

void emr_text_words(const char *words, char *out, size_t size)
{
	static const char both[] = "patient admin"; /* who runs an organisation has records, too */
	size_t at = 0;

	words += strncmp(words, both, sizeof both - 1) == 0 ? strlen("patient ") : 0;
	out[0] = '\0';
	while (*words != '\0' && at + 1 < size) {
		size_t len = strcspn(words, ", "), n = len > 0 ? len : 1;
		const char *text = len > 0 ? word_of(words, len) : NULL;

		if (text != NULL)
			snprintf(out + at, size - at, "%s", text);
		else if (*words == ' ' && at > 0 && words[-1] != ',')
			snprintf(out + at, size - at, ", ");
		else
			snprintf(out + at, size - at, "%.*s", (int)n, words);
		at += strlen(out + at);
		words += n;
	}
}

/* Where catalogues lie, seen from the directory of the running program, which is bin or
 * libexec/emrfs: the same in the build, in any prefix and below a changed root.  Without /proc it
 * is where the build was told to install. */
static void find_catalogues(char *out, size_t size)
{
	static const char *const ways[] = {"", "../"};
	char program[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
	char *slash;

	program[n > 0 ? n : 0] = '\0';
	slash = strrchr(program, '/');
	for (size_t i = 0; slash != NULL && i < sizeof ways / sizeof *ways; i++) {
		*slash = '\0';
		if (snprintf(out, size, "%s/%s%s", program, ways[i], EMR_LOCALE_FROM_PROGRAM) <
				(int)size &&
			access(out, F_OK) == 0)
			return;
	}
	snprintf(out, size, "%s", EMR_LOCALE_DIR);
}

void emr_language_begin(void)
{
	char directory[PATH_MAX];

	/* Of sentences only.  The other categories stay "C": numbers, times and letters are written
	 * and read as ever, whatever the language. */
	if (setlocale(LC_MESSAGES, "") == NULL)
		return;
	find_catalogues(directory, sizeof directory);
	if (bindtextdomain(DOMAIN, directory) == NULL)
		return;
	/* Names of files and of people are UTF-8, and so is what is said about them. The second is
	 * the C library's own, for strerror. */
	(void)bind_textdomain_codeset(DOMAIN, "UTF-8");
	(void)bind_textdomain_codeset("libc", "UTF-8");
	has_begun = true;
}

void emr_language_all_english(bool english)
{
	atomic_store_explicit(&all_english, english, memory_order_relaxed);
}

const char *emr_language_now(void)
{
	/* TRANSLATORS: the code of your language, as ISO 639 has it. */
	return emr_text_as("the code of this language", "en");
}

bool emr_language_english(bool english)
{
	bool before = is_english;

	is_english = english;
	return before;
}

void emr_language_answer_in(const char *language)
{
	is_english = false;
	is_english = strcmp(language, emr_language_now()) != 0;
}
