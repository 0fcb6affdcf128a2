/* Tests of what is below .emrfs look names up as the kernel does. A look-up that fails leaves no
 * reference behind. */
#pragma once

#include "view_kit.h"

/* As the kernel looks PATH up, each name with its reference; that of *OUT's node is the caller's.
 */
static inline emr_status kit_look_up(kit *k, const char *path, emr_attr *out)
{
	uint64_t number = EMR_ROOT_NODE, held = 0;
	emr_status status = EMR_OK;

	assert_ok(emr_view_attr(k->view, number, out));
	while (status == EMR_OK && *path != 0) {
		char name[300];
		size_t len = strcspn(path, "/");

		snprintf(name, sizeof name, "%.*s", (int)len, path);
		path += len + (path[len] == '/');
		status = emr_view_lookup(k->view, number, name, out);
		if (held != 0)
			emr_view_forget(k->view, held, 1);
		held = status == EMR_OK ? out->node : 0;
		number = held;
	}
	return status;
}
