//! Makes the types usable in wasmtime's component bindings.

/// The items that wasmtime's generated bindings expect in the module of an interface. An interface of types alone
/// has nothing to call and nothing to link.
macro_rules! interface_of_types {
    () => {
        /// Nothing to implement: the interface has no functions.
        pub trait Host {}
        impl<T: ?Sized> Host for T {}
        /// Nothing to implement: the interface has no functions.
        pub trait HostWithStore<T>: wasmtime::component::HasData {}
        impl<T, D: wasmtime::component::HasData + ?Sized> HostWithStore<T> for D {}
        /// Links nothing: the interface has no functions.
        ///
        /// # Errors
        /// Never.
        pub fn add_to_linker<T: 'static, D: HostWithStore<T>>(
            _: &mut wasmtime::component::Linker<T>,
            _: fn(&mut T) -> D::Data<'_>,
        ) -> wasmtime::Result<()> {
            Ok(())
        }
    };
}
pub(crate) use interface_of_types;
