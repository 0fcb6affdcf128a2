/* These functions keep the list of what is being erased for good: rows E of the journal. All under
 * view->lock. */
#pragma once

#include "edit.h"

#define ERASING_VERSION 1
#define ERASING_BYTES 18
#define ERASING_LOCAL 1 /* flag */

struct erasing {
	emr_id16 object, domain;
	bool is_local;	 /* never on the ledger */
	bool is_refused; /* by the ledger, in this mount */
};
typedef struct erasing erasing;

/* By object; the second needs that, and says NULL where there is none. */
void erasing_sort(erasing *all, size_t n);
erasing *erasing_find(erasing *all, size_t n, emr_id16 object);
/* OBJECT is being erased: nobody may bring it back. */
bool erase_has(emr_view *view, emr_id16 object);
/* It was erased to the end in this mount. */
bool erase_has_finished(const emr_view *view, emr_id16 object);
/* Another computer erased OBJECT: what this one has of it goes, too.  The row is committed. */
emr_status erase_begun_elsewhere(emr_view *view, emr_id16 domain, emr_id16 object);
/* Adds the row to E, and later, when E is in the journal, the object to the list: room for it was
 * made by erase_reserve. */
void edit_erasing(edit *e, const erasing *what);
emr_status erase_reserve(emr_view *view, size_t more);
void erase_note(emr_view *view, const erasing *what);
