/* This fuzz target reads the list of a backup: any bytes give a list that is written back as it
 * came and leads nowhere else, or a refusal. */
#include <stdlib.h>
#include <string.h>

#include "backup/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	EMR_AUTO_MANIFEST list = {0};
	EMR_AUTO_BUF again = {0};

	if (emr_backup_manifest_read(emr_bytes_of(data, size), &list) != EMR_OK)
		return 0;
	for (size_t i = 0; i < list.n; i++) {
		if (emr_backup_kind_of(list.files[i].path) == EMR_BACKUP_NONE ||
			strstr(list.files[i].path, "..") != NULL ||
			strchr(list.files[i].stored, '/') != NULL)
			abort();
	}
	if (emr_backup_manifest_write(&list, &again) != EMR_OK ||
		!emr_bytes_equal(emr_buf_view(&again), emr_bytes_of(data, size)))
		abort();
	return 0;
}
