/* Pages of program and libraries that only an opening needed are given back: the pages go, written
 * ones stay, and everything works as before. */
#include "emr_test.h"

#include <openssl/evp.h>

#include "mount/service.h"

extern char written[];
char written[4 * 4096]; /* a page of its own, whatever lies beside it */
extern const void *const written_at;
static const char constant[] = "a constant of the program";

/* An address among the code, which the loader writes there: nobody sees by the rights of that
 * segment that its pages are not the file's any more.  Compilers make none, old assembly does. */
__asm__(".pushsection .text\n"
	".balign 4096\n"
	".globl written_at\n"
	"written_at:\n"
#if __SIZEOF_POINTER__ == 8
	".quad written\n"
#else
	".long written\n"
#endif
	".zero 4096\n"
	".popsection\n");

/* Pages of this process that are a file's, in KiB. */
static unsigned long file_kib(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	unsigned long kib = 0;
	char line[256];

	assert_non_null(status);
	while (fgets(line, sizeof line, status) != NULL)
		if (sscanf(line, "RssFile: %lu", &kib) == 1)
			break;
	(void)fclose(status);
	return kib;
}

static void hash(const char *text, uint8_t out[32])
{
	assert_int_equal(1, EVP_Digest(text, strlen(text), out, NULL, EVP_sha256(), NULL));
}

TEST(what_only_an_opening_needed_goes_and_works_again)
{
	uint8_t before[32], after[32];
	unsigned long kib;

	memset(written, 1, sizeof written);
	assert_ptr_equal(written, written_at);
	hash(constant, before);
	kib = file_kib();
	emr_code_rest();
	assert_true(file_kib() + 1024 < kib); /* libcrypto alone has had more than that */
	hash(constant, after);
	assert_memory_equal(before, after, sizeof before);
	for (size_t i = 0; i < sizeof written; i++)
		assert_int_equal(1, written[i]);
	assert_ptr_equal(written, written_at);
	emr_code_rest(); /* and again */
	hash(constant, after);
	assert_memory_equal(before, after, sizeof before);
}

TESTS(NULL, NULL)
