/* This file writes FHIR resources into a directory, one file each, with the codes that all of them
 * use. */
#include "fhir_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/file.h"
#include "report/fhir.h"

json_t *emr_fhir_coding(const char *system, const char *code, const char *display)
{
	return json_pack("{s:s, s:s, s:s}", "system", system, "code", code, "display", display);
}

emr_status emr_fhir_directory(const char *dir, int *out_fd, emr_problem *out_problem)
{
	emr_status status = EMR_OK;

	if (dir == NULL)
		return EMR_OK;
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		status = emr_status_from_errno(errno);
	if (status == EMR_OK)
		*out_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (status == EMR_OK && *out_fd < 0)
		status = emr_status_from_errno(errno);
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, dir);
	return status;
}

emr_status emr_fhir_file(int dir_fd, json_t *resource, const char *id)
{
	EMR_AUTO_FREE char *text = NULL;
	char name[80];

	if (json_object_set_new(resource, "id", json_string(id)) == 0)
		text = json_dumps(resource, JSON_INDENT(2));
	if (text == NULL)
		return EMR_NO_MEMORY;
	snprintf(name, sizeof name, "%s.json", id);
	return emr_file_replace(dir_fd, name, emr_bytes_of(text, strlen(text)), 0600);
}
