from helpers.copies import copy_all

copy_all()
