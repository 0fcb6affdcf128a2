/* This file draws a QR code with characters on the terminal, so that a card can be read with a
 * telephone. */
#include "people/qr.h"

#include <errno.h>
#include <qrencode.h>
#include <string.h>

#define QUIET 4 /* modules around the code: the standard's least */

static bool is_black(const QRcode *code, int x, int y)
{
	return x >= 0 && y >= 0 && x < code->width && y < code->width &&
	       (code->data[y * code->width + x] & 1) != 0;
}

static emr_status append(emr_buf *out, const char *text)
{
	return emr_buf_append(out, text, strlen(text));
}

/* Rows Y and Y + 1, the upper and the lower half of each character. */
static emr_status draw_line(const QRcode *code, int y, emr_buf *out)
{
	static const char *const halves[2][2] = {{" ", "\u2584"}, {"\u2580", "\u2588"}};

	EMR_TRY(append(out, "\033[30;107m"));
	for (int x = -QUIET; x < code->width + QUIET; x++)
		EMR_TRY(append(out, halves[is_black(code, x, y)][is_black(code, x, y + 1)]));
	return append(out, "\033[0m\n");
}

emr_status emr_qr_draw(const char *text, unsigned columns, unsigned *out_columns, emr_buf *out)
{
	/* Capitals and digits are QR's alphanumeric mode, which the library chooses where it can.
	 */
	QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
	emr_status status = EMR_OK;

	*out_columns = code != NULL ? (unsigned)code->width + 2 * QUIET : 0;
	if (code == NULL)
		return errno == ERANGE ? EMR_LIMIT : EMR_NO_MEMORY;
	/* Wrapped it would be noise that no camera reads. */
	if (*out_columns > columns)
		status = EMR_RANGE;
	for (int y = -QUIET; y < code->width + QUIET && status == EMR_OK; y += 2)
		status = draw_line(code, y, out);
	QRcode_free(code);
	return status;
}
