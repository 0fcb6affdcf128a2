/* This fuzz target reads the answers of an IPFS node, errors and the lines of an import, in one
 * piece and cut anywhere, which must make no difference; and the answers of a cluster. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "node_private.h"

#define SENT 2

static emr_ipfs_fault judge(const emr_cid *roots, emr_bytes text, size_t piece)
{
	answer_import import = {0};
	answer_lines lines = {0};
	emr_status status = answer_import_begin(&import, roots, SENT);
	emr_ipfs_fault fault;

	if (status != EMR_OK)
		abort();
	for (size_t at = 0; status == EMR_OK && at < text.len; at += piece) {
		size_t n = piece < text.len - at ? piece : text.len - at;

		status = answer_lines_take(
			&lines, emr_bytes_of(text.data + at, n), answer_import_line, &import);
	}
	if (status == EMR_OK)
		status = answer_lines_end(&lines, answer_import_line, &import);
	fault = status == EMR_OK ? answer_import_judge(&import, SENT) : EMR_IPFS_STRANGE;
	if (fault == EMR_IPFS_FINE && (import.seen_count != SENT || !import.has_stats))
		abort();
	if (strlen(import.said) >= EMR_IPFS_SAID_BYTES)
		abort();
	emr_buf_free(&lines.rest);
	answer_import_free(&import);
	return fault;
}

static void check_said(const char *said)
{
	if (strnlen(said, EMR_IPFS_SAID_BYTES) == EMR_IPFS_SAID_BYTES)
		abort();
	for (const char *at = said; *at != '\0'; at++) {
		if (*at < 0x20 || *at > 0x7e)
			abort();
	}
}

static void judge_cluster(const emr_cid *root, const emr_cid *other, emr_bytes text)
{
	char said[EMR_IPFS_SAID_BYTES] = "";
	emr_ipfs_pinning pinning;

	if (answer_cluster_pinning(text, root, &pinning) == EMR_IPFS_FINE) {
		if (pinning.pinned + pinning.underway + pinning.failed > EMR_IPFS_PEERS_MAX)
			abort();
		/* No answer is about two roots. */
		if (answer_cluster_pin(text, root, said) != EMR_IPFS_FINE ||
			answer_cluster_pinning(text, other, &pinning) == EMR_IPFS_FINE)
			abort();
	}
	check_said(pinning.said);
	if (answer_cluster_version(text, said) != EMR_IPFS_HERE)
		check_said(said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const long statuses[] = {302, 400, 401, 403, 404, 409, 412, 413, 429, 500, 502, 504};
	char said[EMR_IPFS_SAID_BYTES];
	emr_cid roots[SENT];
	emr_bytes text;
	size_t piece;

	if (size < 1)
		return 0;
	piece = data[0] % 64 + 1U;
	text = emr_bytes_of(data + 1, size - 1);
	for (size_t i = 0; i < SENT; i++) {
		uint8_t byte = (uint8_t)i;

		roots[i] = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(&byte, 1));
	}
	/* (A line that is too long is found earlier when it comes in small pieces.) */
	if (size < ANSWER_LINE_MAX && judge(roots, text, size) != judge(roots, text, piece))
		abort();
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		emr_ipfs_kind kind = (emr_ipfs_kind)(EMR_IPFS_KUBO + i % 3);

		if (answer_fault(kind, statuses[i], text, said) == EMR_IPFS_FINE)
			abort();
		check_said(said);
	}
	judge_cluster(&roots[0], &roots[1], text);
	return 0;
}
