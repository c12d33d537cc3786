"""The kinds of export that survey systems write: one small file each, with everything that is known of it."""
