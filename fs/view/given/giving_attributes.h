/* The attributes shared-with and grant.WHO, handed to who shares (view/giving.h).  They refuse what
 * is nobody's own: the past, and what is made on the fly. */
#pragma once

#include "node.h"

/* user.emrfs.shared-with or a grant.WHO */
bool giving_has(const char *name);
bool giving_has_grant(const char *name);

/* All without view->lock. */
emr_status giving_get(emr_view *view, uint64_t number, const char *name, emr_buf *out);
/* A value with `grant=` is what reading one gave: a copy, which never shares.  Without the node's
 * code (confirm.h) nothing is taken that lets anybody see more: EMR_FORBIDDEN. */
emr_status giving_set(emr_view *view, uint64_t number, const char *name, emr_bytes value);
emr_status giving_remove(emr_view *view, uint64_t number, const char *name);
/* Appends the names of all grant.WHO to a list; nothing for what is no root of a domain. */
emr_status giving_list(emr_view *view, uint64_t number, emr_buf *out);
