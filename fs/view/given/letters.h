/* The files of .emrfs/requests: names that come and go while the folder is open, made when they are
 * opened.  Their nodes live as long as the view, a name that came back gets its old one; they
 * refuse every change. */
#pragma once

#include "kind.h"

#define LETTERS_FOLDER "requests"

extern const node_kind letters_folder_kind;

/* When the view ends. */
void letters_free(emr_view *view);
