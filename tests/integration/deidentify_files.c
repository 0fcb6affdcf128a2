/* deidentify_files HELPER DATASET PARTICIPANT OPTIONS OUT FILE...: copies for a research dataset,
 * OUT/0.dcm and so on, by the same calls as the program's.  DATASET and PARTICIPANT are words that
 * keys are made of; OPTIONS are of the letters n (no dates), c (characteristics), f (faces), t
 * (tiles of mosaics), p (safe private elements), v (volumes, signals and genomes), or "-".
 * For each file a line: "copied SIZE MODALITY" or why it was withheld; then, for all, the pseudonym
 * and milliseconds. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "deidentify/deidentify.h"

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static emr_status make_key(const char *dataset, const char *participant, emr_secret *out_key)
{
	EMR_AUTO_SECRET secret = {0};
	emr_status status = emr_secret_new(EMR_DEIDENTIFY_KEY_BYTES, &secret);

	if (status != EMR_OK)
		return status;
	snprintf((char *)secret.data, secret.len, "%s", dataset);
	return emr_deidentify_key(&secret, emr_bytes_of(participant, strlen(participant)), out_key);
}

static int copy_one(emr_deidentifier *d, const emr_secret *key, const char *pseudonym,
	const char *from, const char *to)
{
	EMR_AUTO_FD in = open(from, O_RDONLY | O_CLOEXEC);
	EMR_AUTO_FD out = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	emr_deidentified what = {0};
	emr_status status = emr_deidentify_file(d, key, pseudonym, in, out, &what);

	if (status != EMR_OK)
		printf("error: %s\n", emr_status_text(status));
	else if (what.withheld != EMR_WITHHELD_NOT)
		printf("%s\n", emr_withheld_text(what.withheld));
	else
		printf("copied %llu %s\n", (unsigned long long)what.size, what.modality);
	if (status != EMR_OK || what.withheld != EMR_WITHHELD_NOT)
		(void)!unlink(to);
	return status == EMR_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
	EMR_AUTO_SECRET key = {0};
	EMR_AUTO_DEIDENTIFIER *d = NULL;
	emr_deidentify_rules rules = {0};
	char path[4096], pseudonym[EMR_DEIDENTIFY_NAME_MAX + 1];
	double start;
	int failed = 0;

	if (argc < 7 || emr_base_init() != EMR_OK || make_key(argv[2], argv[3], &key) != EMR_OK)
		return 2;
	rules.without_dates = strchr(argv[4], 'n') != NULL;
	rules.with_characteristics = strchr(argv[4], 'c') != NULL;
	rules.with_faces = strchr(argv[4], 'f') != NULL;
	rules.with_formats =
		strchr(argv[4], 'v') != NULL
			? 1u << EMR_COPY_NIFTI | 1u << EMR_COPY_EDF | 1u << EMR_COPY_VCF
			: 0;
	rules.with_private = (strchr(argv[4], 't') != NULL ? EMR_PRIVATE_MOSAIC : 0u) |
			     (strchr(argv[4], 'p') != NULL ? EMR_PRIVATE_SAFE : 0u);
	if (emr_deidentifier_open(argv[1], &rules, &d) != EMR_OK)
		return 2;
	snprintf(pseudonym, sizeof pseudonym, "P-%.20s-%.20s", argv[2], argv[3]);
	start = now_ms();
	for (int i = 6; i < argc; i++) {
		snprintf(path, sizeof path, "%s/%d.dcm", argv[5], i - 6);
		failed |= copy_one(d, &key, pseudonym, argv[i], path);
	}
	printf("%s %.1f\n", pseudonym, now_ms() - start);
	return failed;
}
