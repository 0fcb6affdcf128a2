/* A person types a code to let others see more by an attribute: `confirm=CODE` in its value.
 * Whatever copies attributes (cp -a, rsync -X, tar) brings values from wherever it copies, and can
 * bring no code: the code is another one for each node and each opening of the folder, and is
 * listed nowhere. It refuses to keep anything: the code follows from the view's random key.
 *
 * All under view->lock. */
#pragma once

#include "node.h"

#define CONFIRM_KEY "user.emrfs.confirm"

/* Appends the code of N.  EMR_NO_ATTRIBUTE: nothing can be confirmed of it. */
emr_status confirm_say(const emr_view *view, const node *n, emr_buf *out);
/* Appends VALUE without its words `confirm=...`; *OUT_IS_RIGHT: there was one, and it is the code
 * of N. */
emr_status confirm_take(
	const emr_view *view, const node *n, emr_bytes value, emr_buf *out, bool *out_is_right);
