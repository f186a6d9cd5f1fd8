"""What tests of several packages use: fakes at the seams, and the permission matrix."""
