/* This file asks emrfs and examples/verify-audit what is wrong with a proof. */
#include "proof_both.h"

#include <sys/wait.h>

#include "proof/proof.h"

void both_write(const char *path, emr_bytes bytes)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
	assert_int_equal(fclose(file), 0);
}

/* The word behind FAILED, "" when the program is content. */
static void audit_says(const char *proof, const char *copy, char out[32])
{
	char line[600];
	FILE *pipe;
	int code;

	pipe = popen(printed("'%s' '%s' %s%s%s", EMR_VERIFY_AUDIT, proof, copy != NULL ? "'" : "",
			     copy != NULL ? copy : "", copy != NULL ? "'" : ""),
		"r");
	assert_non_null(pipe);
	out[0] = '\0';
	while (fgets(line, sizeof line, pipe) != NULL)
		if (strncmp(line, "FAILED ", 7) == 0)
			snprintf(out, 32, "%.*s", (int)strcspn(line + 7, ":"), line + 7);
	code = pclose(pipe);
	assert_true(WIFEXITED(code));
	assert_int_equal(WEXITSTATUS(code), out[0] == '\0' ? 0 : 1);
}

const char *both_emrfs(emr_bytes proof, const char *copy)
{
	int fd = copy != NULL ? open(copy, O_RDONLY | O_CLOEXEC) : -1;
	emr_proof_verdict verdict;

	assert_ok(emr_proof_check(proof, fd, NULL, &verdict));
	if (fd >= 0)
		close(fd);
	return emr_proof_step_text(verdict.step);
}

void both_say_at(const char *path, emr_bytes proof, const char *copy, const char *wanted)
{
	char audit[32];

	both_write(path, proof);
	audit_says(path, copy, audit);
	assert_string_equal(both_emrfs(proof, copy), wanted);
	assert_string_equal(audit, wanted);
}
