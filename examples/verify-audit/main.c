/* verify-audit [--network HEX] PROOF [COPY]: checks a .tlog-proof file of emrfs: that COPY is the
 * document it is about.
 *
 * Made from fs/evidence/proof/FORMAT.md alone.  It shares no code with emrfs, needs OpenSSL's
 * libcrypto and nothing else, looks nothing up, and says what it has been shown.
 *
 *   cd verify-audit && cc -O2 -o ../verify *.c -lcrypto
 *
 * Exit: 0 all of it is shown, 1 it is not (the line that begins with FAILED says which check), 2
 * wrong use or no such file. */
#include "audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- */

static bytes read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(FILE_MAX + 1);
	size_t len;

	if (file == NULL || data == NULL) {
		fprintf(stderr, "verify-audit: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	len = fread(data, 1, FILE_MAX + 1, file);
	if (ferror(file)) {
		fprintf(stderr, "verify-audit: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	fclose(file);
	if (len > FILE_MAX)
		failed("format", "the file is too long");
	return (bytes){data, len};
}

static const char word_of_channel[] =
	"The ledger is a channel of Fabric: that its peers took the entry then is the word of who "
	"signed the checkpoint.\n";

int main(int argc, char **argv)
{
	const char *wanted = NULL;
	static audit a;
	char at[32];

	if (argc >= 3 && strcmp(argv[1], "--network") == 0) {
		wanted = argv[2];
		argc -= 2;
		argv += 2;
	}
	if (argc < 2 || argc > 3 || argv[1][0] == '-') {
		fprintf(stderr, "verify-audit [--network HEX] PROOF [COPY]\n");
		return 2;
	}
	read_proof(read_file(argv[1]), &a.p, "format");
	check_format(&a);
	check_network(&a, wanted);
	check_log_path(&a);
	check_keys(&a);
	check_checkpoint(&a);
	check_entry_and_batch(&a);
	check_item(&a);
	say_time(a.ledger_time, at);
	check_private_part(&a);
	check_content(&a);
	check_statement(&a);
	check_owner_and_patient(&a);
	check_type(&a);
	if (argc == 3)
		check_copy(&a, argv[2]);
	printf("\nGenuine and on the ledger since %s, by the clock of its host.%s\n%s", at,
		argc == 3 ? "" : "\nNo copy was compared: give the document as the second file.",
		a.is_of_channel ? word_of_channel : "");
	return 0;
}
