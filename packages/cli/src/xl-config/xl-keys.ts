/**
 * Keys of xl.cfg(5) that mean nothing to a machine without real hardware: schedulers, NUMA, firmware, devices that are not
 * emulated. They are told apart from keys that nobody knows.
 */
const UNSUPPORTED = `
  pool maxvcpus cpus cpus_soft cpu_weight cap vnuma on_soft_reset ramdisk firmware pvshim pvshim_path pvshim_cmdline
  pvshim_extra seclabel init_seclabel nomigrate driver_domain device_tree passthrough xend_suspend_evtchn_compat
  vmtrace_buf_kb vpmu vif vtpm p9 pvcalls vfb channel rdm usbctrl usbdev pci pci_permissive pci_msitranslate pci_seize
  pci_power_mgmt gfx_passthru rdm_mem_boundary dtdev ioports iomem irqs vdispl dm_restrict device_model_user vsnd vkb tee
  bootloader bootloader_args e820_host boot hdtype hap oos shadow_memory bios bios_path_override pae acpi acpi_s3 acpi_s4
  acpi_laptop_slate apic nx hpet altp2m altp2mhvm nestedhvm cpuid acpi_firmware smbios_firmware ms_vm_genid tsc_mode
  localtime rtc_timeoffset vpt_align timer_mode mmio_hole xen_platform_pci viridian videoram stdvga vga vnc vnclisten
  vncdisplay vncunused vncpasswd nographic sdl opengl spice spicehost spiceport spicetls_port spicedisable_ticketing
  spicepasswd spiceagent_mouse spicevdagent spice_clipboard_sharing spiceusbredirection spice_image_compression
  spice_streaming_video serial soundhw vkb_device usb usbversion usbdevice vendor_device keymap device_model_version
  device_model_override stubdomain_kernel stubdomain_cmdline stubdomain_ramdisk stubdomain_memory
  device_model_stubdomain_override device_model_stubdomain_seclabel device_model_args device_model_args_pv
  device_model_args_hvm gic_version vuart mca_caps msr_relaxed max_grant_version`

export const unsupportedKeys: ReadonlySet<string> = new Set(UNSUPPORTED.trim().split(/\s+/))
