/* This is the helper program `read-form`: it takes one PDF form apart, or checks its signature.
 * It has no key and opens nothing, and ends after one form. */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "helper/inside.h"

#include "pdf_parts.h"

#define MEMORY_BYTES ((uint64_t)384 << 20)
#define PROCESSOR_S 20

/* LEN bytes and a zero. */
static bool read_all(int fd, uint64_t len, size_t max, emr_buf *out)
{
	uint8_t piece[16384];
	const uint8_t zero = 0;

	if (len > max)
		return false;
	while (out->len < len) {
		size_t want =
			len - out->len < sizeof piece ? (size_t)(len - out->len) : sizeof piece;
		ssize_t got = pread(fd, piece, want, (off_t)out->len);

		if (got <= 0 || emr_buf_append(out, piece, (size_t)got) != EMR_OK)
			return false;
	}
	return emr_buf_append(out, &zero, 1) == EMR_OK;
}

static int serve_question(bool is_check)
{
	EMR_AUTO_BUF file = {0}, other = {0};
	pdf_answer answer = {0};
	pdf_question question;
	size_t got = 0;
	int fds[2];

	if (!emr_inside_ready_tell(PDF_PROTOCOL) ||
		!emr_inside_hear(&question, sizeof question, &got, fds, 2) ||
		got != sizeof question ||
		!read_all(fds[0], question.size, EMR_PDF_FORM_BYTES_MAX, &file))
		return 1;
	file.len--;
	if (is_check) {
		if (!read_all(fds[1], question.signers_size, EMR_PDF_SIGNERS_BYTES_MAX, &other))
			return 1;
		other.len--;
		pdf_check(emr_buf_view(&file), emr_buf_view(&other), &question, &answer);
	} else {
		answer.fault = pdf_take(emr_buf_view(&file), &answer, &other);
		if (emr_pwrite_all(fds[1], other.data, other.len, 0) != EMR_OK)
			return 1;
	}
	return emr_inside_tell(&answer, sizeof answer) ? 0 : 1;
}

int main(int argc, char **argv)
{
	bool is_check = argc == 2 && strcmp(argv[1], PDF_CHECK) == 0;
	void *volatile first = malloc(1); /* asks for random numbers, once */

	free(first);
	if (argc != 2 || (!is_check && strcmp(argv[1], PDF_TAKE) != 0)) {
		static const char words[] = "This program is started by emrfs.\n";

		(void)!write(STDERR_FILENO, words, sizeof words - 1);
		return 2;
	}
	/* what reads files when it is needed first */
	tzset();
	if (is_check &&
		OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_ADD_ALL_DIGESTS |
					    OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
			NULL) != 1)
		return 3;
	if (emr_sandbox_enter(MEMORY_BYTES, PROCESSOR_S) != EMR_OK)
		return 3;
	_exit(serve_question(
		is_check)); /* what runs at an exit may need more than the sandbox has */
}
