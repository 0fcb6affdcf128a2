/* This file computes pace and remaining time of a long work, and fits the line of progress into
 * the width of the terminal. */
#include "kit/progress.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "kit/language.h"
#include "kit/text.h"

#define WARM_UP_NS INT64_C(1000000000)
#define WINDOW_NS INT64_C(4000000000) /* the pace is that of the last one to two of these */
#define DOTS "..."

/* ---- pace ---- */

uint64_t emr_pace_note(emr_pace *pace, int64_t now_ns, uint64_t done)
{
	/* The first look, or the work began again. */
	if (pace->old_ns == 0 || done < pace->mid || done < pace->old) {
		*pace = (emr_pace){.old_ns = now_ns, .mid_ns = now_ns, .old = done, .mid = done};
		return 0;
	}
	if (now_ns - pace->mid_ns >= WINDOW_NS) {
		pace->old_ns = pace->mid_ns;
		pace->old = pace->mid;
		pace->mid_ns = now_ns;
		pace->mid = done;
	}
	if (now_ns - pace->old_ns < WARM_UP_NS)
		return 0;
	return (uint64_t)((double)(done - pace->old) * 1e9 / (double)(now_ns - pace->old_ns));
}

/* ---- words ---- */

static void amount_text(emr_progress_unit unit, uint64_t amount, char out[EMR_TEXT_BYTES])
{
	if (unit == EMR_PROGRESS_BYTES)
		emr_size_fine_text(amount, out);
	else
		emr_number_text(amount, out);
}

static const char *name_of(emr_progress_unit unit, uint64_t amount)
{
	switch (unit) {
	case EMR_PROGRESS_BYTES:
		break;
	case EMR_PROGRESS_RECORDS:
		return emr_text_of(amount, " record", " records");
	case EMR_PROGRESS_CHANGES:
		return emr_text_of(amount, " change", " changes");
	}
	return "";
}

void emr_progress_text(const emr_progress_at *at, char *out, size_t size)
{
	uint64_t total = at->total > at->done ? at->total : at->done;
	char done[EMR_TEXT_BYTES], of[EMR_TEXT_BYTES], left[EMR_TEXT_BYTES], pace[EMR_TEXT_BYTES];
	char share[2 * EMR_TEXT_BYTES] = "", rest[EMR_TEXT_BYTES + 16] = "";
	char rate[EMR_TEXT_BYTES + 16] = "";

	amount_text(at->unit, at->done, done);
	if (at->total > 0) {
		amount_text(at->unit, total, of);
		snprintf(share, sizeof share, _(" of %s%s (%u%%)"), of, name_of(at->unit, total),
			(unsigned)(100.0 * (double)at->done / (double)total));
	} else {
		snprintf(share, sizeof share, "%s", name_of(at->unit, at->done));
	}
	if (at->unit == EMR_PROGRESS_CHANGES && at->total > 0) {
		amount_text(at->unit, total - at->done, left);
		snprintf(rest, sizeof rest, _(", %s to go"), left);
	}
	if (at->per_second > 0) {
		amount_text(at->unit, at->per_second, pace);
		snprintf(rate, sizeof rate, _(", %s a second"), pace);
	}
	snprintf(out, size, "%s %s%s%s%s ...", emr_text(at->doing), done, share, rest, rate);
}

/* ---- width ---- */

/* One letter of TEXT: how many bytes and columns; 0 columns and 0 bytes when it is none that may be
 * shown. */
static size_t letter(const char *text, size_t *out_columns)
{
	mbstate_t state;
	wchar_t wide = 0;
	size_t n;
	int width;

	memset(&state, 0, sizeof state);
	n = mbrtowc(&wide, text, strlen(text), &state);
	width = n == 0 || n > 4 ? -1 : wcwidth(wide);
	if (width < 0)
		return 0;
	*out_columns = (size_t)width;
	return n;
}

/* Puts letters while they fit into COLUMNS and SIZE; returns how far TEXT was taken. */
static size_t put_letters(
	const char *text, size_t columns, char *out, size_t size, size_t *out_width)
{
	size_t at = 0, taken = 0, width = 0;

	while (text[taken] != '\0') {
		size_t wide = 1, n = letter(text + taken, &wide);
		const char *from = n > 0 ? text + taken : "?";
		size_t len = n > 0 ? n : 1;

		if (width + wide > columns || at + len >= size)
			break;
		memcpy(out + at, from, len);
		at += len;
		taken += len;
		width += wide;
	}
	out[at] = '\0';
	*out_width = width;
	return taken;
}

size_t emr_progress_fit(const char *text, size_t columns, char *out, size_t size)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t before = utf8 != (locale_t)0 ? uselocale(utf8) : (locale_t)0;
	size_t width, dots = sizeof DOTS - 1;

	if (text[put_letters(text, columns, out, size, &width)] != '\0') {
		if (columns <= dots || size <= dots + 1) {
			out[0] = '\0';
			width = 0;
		} else {
			(void)put_letters(text, columns - dots, out, size - dots, &width);
			strcat(out, DOTS);
			width += dots;
		}
	}
	if (utf8 != (locale_t)0) {
		uselocale(before);
		freelocale(utf8);
	}
	return width;
}
