/* These functions read members of JSON objects that may be missing. A missing member is an empty
 * one, never an error. */
#include "kit/json.h"

#include "kit/text.h"

const char *emr_json_text_at(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

uint64_t emr_json_number_at(const json_t *object, const char *name)
{
	json_int_t number = json_integer_value(json_object_get(object, name));

	return number > 0 ? (uint64_t)number : 0;
}

bool emr_json_flag_at(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

json_t *emr_json_time(uint64_t unix_s)
{
	char text[EMR_TEXT_BYTES];

	emr_time_json((int64_t)unix_s, text);
	return unix_s != 0 ? json_string(text) : json_null();
}

json_t *emr_json_list_at(json_t *object, const char *name)
{
	if (!json_is_array(json_object_get(object, name)))
		(void)json_object_set_new(object, name, json_array());
	return json_object_get(object, name);
}
