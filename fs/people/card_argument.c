/* This file reads a card that was given on the command line: as a file, from standard input, or as
 * the text of a QR code. It refuses bytes that are no card. */
#include "people/answers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "keyring/card.h"
#include "kit/language.h"
#include "kit/paths.h"

#define CARD_TEXT_MAX ((size_t)64 << 10) /* of a file; what is in it has limits of its own */

/* A file, "-", or the text of a QR code. */
static emr_status read_card_text(const char *from, emr_buf *out, emr_problem *out_problem)
{
	EMR_AUTO_FD fd = -1;
	emr_status status;

	if (strncasecmp(from, "EMRFS:", 6) == 0)
		return emr_buf_append(out, from, strlen(from));
	if (strcmp(from, "-") != 0) {
		fd = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		status = fd >= 0 ? emr_read_all(fd, CARD_TEXT_MAX, out)
				 : emr_status_from_errno(errno);
	} else {
		status = emr_read_all(STDIN_FILENO, CARD_TEXT_MAX, out);
	}
	if (status != EMR_OK && status != EMR_LIMIT)
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_FILE, "path", from, "cause",
			emr_text(emr_status_text(status)), NULL);
	return status;
}

/* People get cards to print, and photographs of them: PDF, PNG (ISO 15948) and JPEG by how they
 * begin. */
static bool is_picture(const emr_buf *text)
{
	static const char *const begins[] = {"%PDF-", "\x89PNG", "\xff\xd8\xff"};

	for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
		if (text->len > strlen(begins[i]) &&
			memcmp(text->data, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

static emr_status take_note(emr_bytes note, emr_request *request)
{
	if (note.len > EMR_ASK_NOTE_MAX ||
		(note.len > 0 && memchr(note.data, '\0', note.len) != NULL))
		return EMR_LIMIT;
	if (note.len > 0)
		memcpy(request->note, note.data, note.len);
	request->note[note.len] = '\0';
	return EMR_OK;
}

emr_status emr_card_argument(const char *from, emr_request *request, emr_problem *out_problem)
{
	EMR_AUTO_BUF text = {0};
	EMR_AUTO_BUF bytes = {0};
	emr_status status = read_card_text(from, &text, out_problem);

	if (status == EMR_OK)
		status = emr_card_from_text(emr_buf_view(&text), &bytes);
	if (status == EMR_OK && bytes.len == 0)
		status = EMR_DAMAGED;
	if (status == EMR_OK && bytes.len > sizeof request->card)
		status = EMR_LIMIT;
	if (status == EMR_OK)
		status = take_note(emr_card_text_note(emr_buf_view(&text)), request);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set(out_problem, EMR_SAY_BAD_CARD, "cause",
			is_picture(&text)     ? _("this is a picture; the card is the text of the "
						      "code in it (EMRFS:...), which a camera reads")
			: status == EMR_LIMIT ? _("it is longer than a card")
					      : _("this is no card"),
			NULL);
	if (status != EMR_OK)
		return status;
	memcpy(request->card, bytes.data, bytes.len);
	request->card_len = bytes.len;
	return EMR_OK;
}
