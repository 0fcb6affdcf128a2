/* The language of what people read: English, as it stands in the sources, or a translation of po/.
 * It refuses to touch what machines read: nothing is translated unless it goes through here, and
 * with --json, or for somebody who asks in another language, nothing is.
 *
 * A sentence is written once, in English, where it is said.  Most need no mark: emr_say, the table
 * of messages, the help and the other functions that `po/update` names translate what they are
 * given.  A word that is put into such a sentence is marked with _(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* TEXT in the language of its reader; TEXT itself where there is no translation.  The
 * translation of a format has the same directives: the build checks it. */
const char *emr_text(const char *english) __attribute__((format_arg(1)));
/* The same for N of something. */
const char *emr_text_of(uint64_t n, const char *one, const char *many)
	__attribute__((format_arg(2), format_arg(3)));
/* The same for a word that has several translations: CONTEXT, a literal, says which is meant. */
#define emr_text_as(context, english) emr_text_in(context "\004" english, english)
const char *emr_text_in(const char *key, const char *english) __attribute__((format_arg(2)));

/* The meaning of errno number ERROR, as a word of a sentence.  strerror does not ask who reads it.
 */
const char *emr_text_errno(int error);

/* A word that scripts read ("treatment", "pending"), for a line that people read; any other text as
 * it is. */
const char *emr_text_word(const char *word);
/* The same for several, with blanks and commas as they are; what does not fit is cut. */
void emr_text_words(const char *words, char *out, size_t size);

/* The words that are known, by number; NULL behind the last. */
const char *emr_text_word_known(size_t index);

#define _(english) emr_text(english)
/* For tables: found by `po/update`, translated when it is printed. */
#define N_(english) (english)

/* Takes the language from the environment (LC_ALL, LC_MESSAGES, LANG, LANGUAGE).  Once, before
 * there are threads; a program that does not call it speaks English. */
void emr_language_begin(void);
/* English for all of the process, until it is called with false: the answer is JSON. */
void emr_language_all_english(bool is_english);
/* As ISO 639 names it: "en" or "pt". */
const char *emr_language_now(void);
/* English for this thread, or again what the process speaks; returns how it was before. */
bool emr_language_english(bool is_english);
/* For this thread: English unless LANGUAGE is what the process speaks.  "" is English. */
void emr_language_answer_in(const char *language);
