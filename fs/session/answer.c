/* This file hands out what the open keyring answers, in objects that fit into frames. */
#include "session/answer.h"

#define PORTION_BYTES 16384 /* of JSON, before the last row */

emr_status emr_emit(const emr_sink *sink, json_t *object)
{
	if (object != NULL && sink != NULL)
		return sink->take(sink->arg, object);
	json_decref(object);
	return object != NULL ? EMR_OK : EMR_NO_MEMORY;
}

emr_status emr_emit_list(const char *name, const json_t *list, const emr_sink *sink)
{
	for (size_t i = 0; i < json_array_size(list);) {
		json_t *portion = json_array();
		size_t bytes = 0;

		while (i < json_array_size(list) && bytes < PORTION_BYTES) {
			json_t *row = json_array_get(list, i++);

			bytes += json_dumpb(row, NULL, 0, JSON_ENCODE_ANY);
			if (json_array_append(portion, row) != 0) {
				json_decref(portion);
				return EMR_NO_MEMORY;
			}
		}
		EMR_TRY(emr_emit(sink, json_pack("{s:o}", name, portion)));
	}
	return EMR_OK;
}
