/* These functions write HTML piece by piece. They refuse to let a name be anything but text: markup
 * is escaped, and what would change the direction of what follows, or cannot be seen, is spelled
 * out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* TEXT, which may be any bytes: broken UTF-8 and control characters become U+FFFD, other characters
 * that no card may have (keyring/card.h) "[U+202E]". */
void emr_html_text(FILE *to, const char *text);
/* The same in <bdi>: a name of any script beside other text. */
void emr_html_name(FILE *to, const char *text);
/* PATH as a relative address in a quoted attribute: every byte but letters, digits and -._~/ as
 * %XX. */
void emr_html_href(FILE *to, const char *path);
/* "63,884", "1.6 MB", "20 Nov 2026 14:05", "20 Nov 2026" */
void emr_html_number(FILE *to, uint64_t number);
void emr_html_size(FILE *to, uint64_t bytes);
void emr_html_time(FILE *to, uint64_t unix_s);
void emr_html_day(FILE *to, uint64_t unix_s);
/* "2026-11-20" as "20 Nov 2026", "2026-11" as "Nov 2026"; anything else as it is. */
void emr_html_date(FILE *to, const char *date);
/* N "file" or "files", in the language of the reader. */
void emr_html_count(FILE *to, uint64_t n, const char *one, const char *many);
/* The same of whole sentences, with "%s" where the number goes. */
void emr_html_counted(FILE *to, uint64_t n, const char *one, const char *many);

/* The text in the place of {NAME} in a sentence: one of the three functions writes it. */
typedef struct emr_html_piece {
	const char *name;
	void (*put_text)(FILE *to, const char *text);
	const char *text;
	void (*put_number)(FILE *to, uint64_t number);
	uint64_t number;
	void (*put)(FILE *to, const void *what);
	const void *what;
} emr_html_piece;
/* SENTENCE, translated and with whatever markup it has; the last piece has no name. */
void emr_html_say(FILE *to, const char *sentence, const emr_html_piece *pieces);
