/* This is the helper program `deidentify`: it makes copies of files for research ("write"), looks
 * in copies for what their originals say ("check"), or looks in what others call copies for what no
 * copy may have ("scan"). emrfs starts it and sends it the two descriptors of one file after the
 * other, or the pieces that a scan asks for; it opens nothing itself, and a file that breaks it
 * breaks nothing else. */
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "helper/inside.h"

#include "check.h"
#include "copy.h"
#include "headed.h"
#include "protocol.h"
#include "scan.h"

#define MEMORY_BYTES ((uint64_t)512 << 20)
#define PROCESSOR_S 3600 /* over all its files, of which some are decoded */

static void write_one(protocol_file *file, const int fds[2], protocol_result *result)
{
	const emr_deidentify_rules *rules = &file->look.rules;
	persona who;

	file->pseudonym[sizeof file->pseudonym - 1] = '\0';
	persona_begin(&who, file->key, file->pseudonym);
	emr_wipe(file->key, sizeof file->key);
	result->status = copy_file(fds[0], file->look.size, fds[1], &who, rules, &result->what);
	if (result->status == EMR_OK && result->what.withheld == EMR_WITHHELD_NOT_DICOM)
		result->status = headed_copy(fds[0], file->look.size, fds[1],
			&(headed_rules){rules->with_formats, rules->with_faces, who.pseudonym},
			&result->what);
	emr_wipe(&who, sizeof who);
}

static emr_withheld check_one(const protocol_file *file, const int fds[2])
{
	if (file->form != EMR_COPY_PICTURE)
		return headed_check(fds[0], file->look.size, fds[1], file->copy_size);
	return check_dicom(
		fds[0], file->look.size, fds[1], file->copy_size, file->look.rules.with_private);
}

static int serve_files(bool is_checker)
{
	protocol_result result;
	protocol_file file;
	size_t got = 0;
	int fds[2];

	if (!emr_inside_ready_tell(PROTOCOL_VERSION))
		return 1;
	while (emr_inside_hear(&file, sizeof file, &got, fds, 2) && got == sizeof file &&
		file.look.kind == PROTOCOL_FILE) {
		result = (protocol_result){.kind = PROTOCOL_RESULT};
		if (is_checker)
			result.what.withheld = check_one(&file, fds);
		else
			write_one(&file, fds, &result);
		close(fds[0]);
		close(fds[1]);
		if (!emr_inside_tell(&result, sizeof result))
			return 1;
	}
	return 0;
}

/* ---- scanning ---- */

static bool hear_whole(void *out, size_t len)
{
	size_t got = 0;

	return emr_inside_hear(out, len, &got, NULL, 0) && got == len;
}

static size_t want_piece(uint64_t at, uint8_t *out, size_t len)
{
	protocol_want piece = {.kind = PROTOCOL_WANT, .at = at};

	piece.len = len < PROTOCOL_PIECE ? (uint32_t)len : PROTOCOL_PIECE;
	if (!emr_inside_tell(&piece, sizeof piece) || !hear_whole(out, piece.len))
		_exit(1); /* the caller has given it up */
	return piece.len;
}

static int scan_all(void)
{
	static flat_file file;
	static protocol_look look;
	protocol_result result;

	if (!emr_inside_ready_tell(PROTOCOL_VERSION))
		return 1;
	while (hear_whole(&look, sizeof look) && look.kind == PROTOCOL_LOOK) {
		file.read = want_piece;
		file.ahead = PROTOCOL_PIECE;
		file.size = look.size;
		file.at = file.len = 0;
		result = (protocol_result){.kind = PROTOCOL_RESULT};
		result.what.withheld = scan_file(&file, &look);
		if (!emr_inside_tell(&result, sizeof result))
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const bool is_checker = argc == 2 && strcmp(argv[1], PROTOCOL_CHECK) == 0;
	const bool is_scanner = argc == 2 && strcmp(argv[1], PROTOCOL_SCAN) == 0;

	emr_inside_begin(
		is_checker || is_scanner || (argc == 2 && strcmp(argv[1], PROTOCOL_WRITE) == 0),
		MEMORY_BYTES, PROCESSOR_S);
	_exit(is_scanner ? scan_all() : serve_files(is_checker)); /* what runs at an exit may need
							       more than the sandbox has */
}
