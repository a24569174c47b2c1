//! Prints where a protoc is that the crates' build scripts can run; machines often have none.
fn main() {
    println!("{}", protoc_bin_vendored::protoc_bin_path().expect("no protoc for this machine").display());
}
